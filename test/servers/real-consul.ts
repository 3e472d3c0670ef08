import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { handOutToken } from '../e2e/support/secrets.ts';
import { type Authority, makeAuthority, type PemPair } from './authority.ts';
import { binary } from './binaries.ts';
import { type ConsulClient, consulClient } from './consul-client.ts';
import { freePorts } from './ports.ts';
import { type ServerProcess, startProcess } from './process.ts';

export interface RealConsulOptions {
  /** ACLs on, default policy deny; `managementToken` is then set, and is what this handle itself uses. */
  readonly acl?: boolean;
  /** An HTTPS port beside the plain one; `verifyIncoming` makes it demand a client certificate. */
  readonly tls?: { readonly verifyIncoming?: boolean };
  /**
   * Data on disk, so that a restart keeps the CA. The start then waits for a raft election, some two seconds;
   * without it the agent runs in Consul's development mode and every restart is a new cluster.
   */
  readonly persistent?: boolean;
  /** How long leaves live, for example `1h`, which is the least that Consul 1.8 accepts. */
  readonly leafTtl?: string;
  /** One of several that are joined over the WAN. The CA of one that has a primary is an intermediate of that one's. */
  readonly datacenter?: { readonly name: string; readonly primary?: RealConsul };
  /** A client agent of that server, as each node has one: all it knows of the CA it asks the server, and keeps in a cache. */
  readonly clientOf?: RealConsul;
  /** Off, to see what a Consul without Connect answers. */
  readonly connect?: boolean;
  /** Anything else, as an agent configuration file says it. */
  readonly config?: Readonly<Record<string, unknown>>;
}

export interface RealConsul extends ConsulClient {
  readonly address: { readonly host: string; readonly port: number };
  readonly url: string;
  readonly datacenter: string;
  /** Where client agents join. */
  readonly lanPort: number;
  /** Where other datacenters join, if this is one of several. */
  readonly wanPort: number;
  readonly tls?: ConsulTls;
  /** Another one after a restart that wiped the data. */
  readonly managementToken: string | undefined;
  /** Ends the agent and removes its data. */
  stop(): Promise<void>;
  /** Ends the agent at once, as a crash does, and keeps its data for `restart`. */
  kill(): Promise<void>;
  /** On the same ports. `wipe`, the default unless persistent, gives a new cluster: another CA and trust domain. */
  restart(options?: { readonly wipe?: boolean }): Promise<void>;
  output(): string;
}

export interface ConsulTls {
  readonly port: number;
  readonly caFile: string;
  readonly clientCertificateFile: string;
  readonly clientKeyFile: string;
  /** The CA of both sides. */
  readonly authority: Authority;
  /** Serves with another certificate from now on. */
  serveWith(certificate: PemPair): Promise<void>;
}

const READINESS_SERVICE = 'real-consul-readiness';
const HOST = '127.0.0.1';

/** One real Consul agent, a server unless it is said otherwise, with Connect on, everything on loopback ports of its own. */
export async function startRealConsul(options: RealConsulOptions = {}): Promise<RealConsul> {
  const folder = await mkdtemp(join(tmpdir(), 'real-consul-'));
  const dataFolder = join(folder, 'data');
  const configFile = join(folder, 'config.json');
  const [http = 0, https = 0, grpc = 0, serf = 0, server = 0, wan = 0] = await freePorts(6);
  const { name: datacenter, primary } = options.datacenter ?? { name: 'dc1' };
  const { clientOf } = options;
  const url = `http://${HOST}:${http}`;
  let managementToken = clientOf?.managementToken;
  const client = consulClient(url, () => managementToken);
  const tls =
    options.tls === undefined
      ? undefined
      : await writeTls(folder, https, () => client.mustPut('/v1/agent/reload', {}));
  let agent: ServerProcess;

  await writeFile(
    configFile,
    JSON.stringify({
      ...(tls && { ...tlsConfig(folder), verify_incoming_https: options.tls?.verifyIncoming ?? false }),
      ...(options.acl && {
        acl: {
          enabled: true,
          default_policy: 'deny',
          enable_token_persistence: options.persistent ?? false,
          ...(clientOf && { tokens: { agent: managementToken } }),
        },
      }),
      ports: {
        http,
        https: tls ? https : -1,
        grpc,
        dns: -1,
        serf_lan: serf,
        serf_wan: options.datacenter === undefined ? -1 : wan,
        server,
      },
      datacenter,
      ...(primary && {
        primary_datacenter: primary.datacenter,
        retry_join_wan: [`${HOST}:${primary.wanPort}`],
      }),
      connect: {
        enabled: options.connect ?? true,
        ca_config: { leaf_cert_ttl: options.leafTtl ?? '72h' },
      },
      ...(options.persistent && { performance: { raft_multiplier: 1 } }),
      ...options.config,
    }),
  );

  async function start(): Promise<void> {
    await mkdir(dataFolder, { recursive: true });
    agent = await startProcess(binary('CONSUL'), [
      'agent',
      ...role(options, dataFolder),
      `-bind=${HOST}`,
      `-client=${HOST}`,
      `-config-file=${configFile}`,
    ]);
    await agent.waitUntil(async () => /:\d/.test(await client.mustGet<string>('/v1/status/leader')));
    if (options.acl) managementToken ??= await bootstrapAcl(agent, client);
    // Roots are listed a moment before leaves can be signed: until then, `internal error: CA root is nil`.
    const signing = `/v1/agent/connect/ca/leaf/${READINESS_SERVICE}`;
    if (options.connect ?? true)
      await agent.waitUntil(async () => (await client.get(signing)).status === 200);
  }
  await start();

  return {
    ...client,
    address: { host: HOST, port: http },
    url,
    datacenter,
    lanPort: serf,
    wanPort: wan,
    ...(tls && { tls }),
    get managementToken() {
      return managementToken;
    },
    async stop() {
      await agent.kill();
      await rm(folder, { recursive: true });
    },
    kill: () => agent.kill(),
    async restart({ wipe = !options.persistent } = {}) {
      if (!wipe && !options.persistent)
        throw new Error('only a persistent Consul can be restarted with its data');
      // A crash on purpose: a server that leaves in peace would take itself out of the raft peers.
      await agent.kill();
      if (wipe) {
        await rm(dataFolder, { recursive: true, force: true });
        managementToken = clientOf?.managementToken;
      }
      await start();
    },
    output: () => agent.output(),
  };
}

function role({ clientOf, persistent }: RealConsulOptions, dataFolder: string): string[] {
  const data = `-data-dir=${dataFolder}`;
  if (clientOf !== undefined) return ['-node=real-client', data, `-retry-join=${HOST}:${clientOf.lanPort}`];
  return ['-node=real-consul', ...(persistent ? ['-server', '-bootstrap-expect=1', data] : ['-dev'])];
}

/** Also gives the agent the token, without which it cannot register itself in its own catalog. */
async function bootstrapAcl(agent: ServerProcess, client: ConsulClient): Promise<string> {
  let token = '';
  // A new leader answers 500 until its ACL system is up.
  await agent.waitUntil(async () => {
    token = (await client.mustPut<{ SecretID: string }>('/v1/acl/bootstrap', {})).SecretID;
    return true;
  });
  await client.mustPut('/v1/agent/token/agent', { Token: token }, token);
  return handOutToken(token);
}

async function writeTls(folder: string, port: number, reload: () => Promise<unknown>): Promise<ConsulTls> {
  const authority = await makeAuthority(`Consul HTTPS ${randomUUID()}`);
  const server = await authority.issue('server');
  const client = await authority.issue('client');
  const at = (name: string) => join(folder, name);
  const writeServer = async ({ certificate, privateKey }: PemPair): Promise<void> => {
    await writeFile(at('server.crt'), certificate);
    await writeFile(at('server.key'), privateKey);
  };
  await Promise.all([
    writeFile(at('ca.crt'), authority.certificate),
    writeServer(server),
    writeFile(at('client.crt'), client.certificate),
    writeFile(at('client.key'), client.privateKey),
  ]);
  return {
    port,
    caFile: at('ca.crt'),
    clientCertificateFile: at('client.crt'),
    clientKeyFile: at('client.key'),
    authority,
    async serveWith(certificate) {
      await writeServer(certificate);
      await reload();
    },
  };
}

function tlsConfig(folder: string): Record<string, string> {
  return {
    ca_file: join(folder, 'ca.crt'),
    cert_file: join(folder, 'server.crt'),
    key_file: join(folder, 'server.key'),
  };
}
