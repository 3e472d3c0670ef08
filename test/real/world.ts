import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import { after, before } from 'node:test';
import { Agent, request } from 'undici';
import { type RealConsul, type RealConsulOptions, startRealConsul } from '../fixtures/servers/real-consul.ts';
import {
  type AuditedWrite,
  type RealKubernetes,
  startRealKubernetes,
} from '../fixtures/servers/real-kubernetes.ts';
import { startAll } from '../fixtures/servers/start-all.ts';
import { k8sFor } from './manifests.ts';

export const NAMESPACE = 'ambassador';
export const SECRET = 'ambassador-consul-connect';
export const SERVICE = 'ambassador-consul-connector';

/** A Secret or Service as kubectl shows it, as far as tests look at it. */
export interface Shown {
  readonly type?: string;
  readonly metadata: {
    readonly resourceVersion: string;
    readonly annotations: Readonly<Record<string, string>>;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly data: Readonly<Record<string, string>>;
}

export interface Recording {
  readonly versions: readonly Shown[];
  stop(): Promise<void>;
}

/** A real cluster with the shipped manifest applied, and a real Consul. */
export interface World {
  readonly consul: RealConsul;
  readonly kubernetes: RealKubernetes;
  /** The folder `k8s/`, as this API server takes it. */
  readonly k8s: string;
  /** The file that was applied. */
  readonly manifest: string;
  /** What the daemon is given: the addresses, and the kubeconfig of the manifest's ServiceAccount. */
  environment(serviceAccount?: string): Promise<Record<string, string>>;
  /** kubectl as the administrator in the namespace; fails the test when kubectl fails. */
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  show(kind: 'secret' | 'service', name: string): Promise<Shown | undefined>;
  /** The text of one key of a Secret. */
  read(secret: string, key: string): Promise<string>;
  /** Every version of the Secret from now on, as a watch of the administrator's sees them. */
  record(secret: string, onVersion?: (version: Shown) => void): Promise<Recording>;
  /** The successful writes of one object so far, those of kubectl left out. */
  writes(resource: 'secrets' | 'services', name: string): Promise<AuditedWrite[]>;
}

/**
 * Starts one world for the tests of a file and ends it after them. `prepare` runs in it before the first test: a second
 * `before` of the file would not wait for this one.
 */
export function useWorld(
  consulOptions: RealConsulOptions = {},
  prepare: (world: World) => Promise<void> = async () => undefined,
): World {
  const world = makeWorld(consulOptions);
  before(async () => {
    await world.start();
    await prepare(world);
  });
  after(() => world.stop());
  return world;
}

/** A world that its user starts and stops, for what is no test. */
export interface OwnWorld extends World {
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function makeWorld(consulOptions: RealConsulOptions = {}): OwnWorld {
  let consul: RealConsul | undefined;
  let kubernetes: RealKubernetes | undefined;
  let k8s: string | undefined;
  const started = <T>(server: T | undefined): T => {
    assert.ok(server !== undefined, 'the real servers have not started');
    return server;
  };

  async function kubectl(args: readonly string[], stdin?: string): Promise<string> {
    const { code, stdout, stderr } = await started(kubernetes).kubectl(['-n', NAMESPACE, ...args], stdin);
    assert.equal(code, 0, `kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  async function show(kind: 'secret' | 'service', name: string): Promise<Shown | undefined> {
    const text = await kubectl(['get', kind, name, '--ignore-not-found', '-o', 'json']);
    return text.trim() === '' ? undefined : JSON.parse(text);
  }

  return {
    async start() {
      [consul, kubernetes] = await startAll(startRealConsul(consulOptions), startRealKubernetes());
      await kubectl(['create', 'namespace', NAMESPACE]);
      k8s = await k8sFor(kubectl);
      await kubectl(['apply', '-f', manifestIn(k8s)]);
    },
    async stop() {
      await Promise.all([consul?.stop(), kubernetes?.stop()]);
    },
    get consul() {
      return started(consul);
    },
    get kubernetes() {
      return started(kubernetes);
    },
    get k8s() {
      return started(k8s);
    },
    get manifest() {
      return manifestIn(started(k8s));
    },
    kubectl,
    show,
    environment: async (serviceAccount = SERVICE) => ({
      _CONSUL_HOST: started(consul).address.host,
      _CONSUL_PORT: String(started(consul).address.port),
      KUBECONFIG: await started(kubernetes).kubeconfigFor(NAMESPACE, serviceAccount),
    }),
    async read(secret, key) {
      const data = (await show('secret', secret))?.data[key];
      return Buffer.from(data ?? '', 'base64').toString('utf8');
    },
    record: (secret, onVersion) => recordSecret(started(kubernetes), secret, onVersion),
    async writes(resource, name) {
      const all = await started(kubernetes).writes();
      // The name of a created object stands in its body, so the audit log has none.
      return all.filter(
        (write) =>
          write.resource === resource &&
          (write.name === name || write.verb === 'create') &&
          write.user !== 'admin' &&
          write.code < 300,
      );
    },
  };
}

function manifestIn(k8s: string): string {
  return `${k8s}/ambassador-consul-connector.yaml`;
}

/** Whether the API server serves that version of an API, such as `policy/v1`. */
export async function serves(kubectl: World['kubectl'], version: string): Promise<boolean> {
  return (await kubectl(['api-versions'])).split('\n').includes(version);
}

async function recordSecret(
  kubernetes: RealKubernetes,
  secret: string,
  onVersion: (version: Shown) => void = () => undefined,
): Promise<Recording> {
  const agent = new Agent({ connect: { ca: kubernetes.caPem } });
  const query = `watch=true&fieldSelector=metadata.name=${secret}`;
  const { body } = await request(`${kubernetes.url}/api/v1/namespaces/${NAMESPACE}/secrets?${query}`, {
    dispatcher: agent,
    headers: { authorization: `Bearer ${kubernetes.adminToken}` },
  });
  const versions: Shown[] = [];
  const lines = createInterface({ input: body });
  lines.on('line', (line) => {
    const { object }: { object: Shown } = JSON.parse(line);
    versions.push(object);
    onVersion(object);
  });
  // Ending the watch is an error to the stream, and no news to the test.
  body.on('error', () => undefined);
  return {
    versions,
    async stop() {
      lines.close();
      await agent.destroy();
    },
  };
}
