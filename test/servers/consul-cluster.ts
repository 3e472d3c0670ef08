import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { binary } from './binaries.ts';
import { consulClient } from './consul-client.ts';
import { freePorts } from './ports.ts';
import { type ServerProcess, startProcess } from './process.ts';

/** One server of a cluster. */
export interface ClusterServer {
  /** `host:port` of its HTTP API. */
  readonly address: string;
  /** What it has been asked about the CA so far, from its own log, which tells of an answer when it is sent. */
  asked(): number;
  /** How many connections to its HTTP API there are: a question that it holds for want of a leader is in no log. */
  connections(): number;
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>;
  /** On the same ports, with its data. */
  start(): Promise<void>;
}

export interface ConsulCluster {
  readonly servers: readonly ClusterServer[];
  /** The followers first, the leader last. */
  byRank(): Promise<ClusterServer[]>;
  /** Ends all of them and removes their data. */
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';

interface Ports {
  readonly http: number;
  readonly serf: number;
  readonly server: number;
}

/** Real Consul servers of one cluster, with Connect, everything on loopback ports of their own. */
export async function startConsulCluster(size = 3): Promise<ConsulCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'consul-cluster-'));
  const free = await freePorts(3 * size);
  const ports = Array.from({ length: size }, (_, index): Ports => {
    const [http = 0, serf = 0, server = 0] = free.slice(3 * index, 3 * index + 3);
    return { http, serf, server };
  });
  const joins = ports.map(({ serf }) => `${HOST}:${serf}`);
  const members = await Promise.all(
    ports.map((each, index) => member(join(folder, `${index}`), each, joins)),
  );
  await Promise.all(members.map(({ start }) => start()));

  return {
    servers: members,
    async byRank() {
      const [first] = members;
      const leader = await first?.client.mustGet<string>('/v1/status/leader');
      const leads = (one: Member): number => (leader === `${HOST}:${one.ports.server}` ? 1 : 0);
      return [...members].sort((a, b) => leads(a) - leads(b));
    },
    async stop() {
      await Promise.all(members.map(({ kill }) => kill()));
      await rm(folder, { recursive: true });
    },
  };
}

interface Member extends ClusterServer {
  readonly client: ReturnType<typeof consulClient>;
  readonly ports: Ports;
}

async function member(folder: string, ports: Ports, joins: readonly string[]): Promise<Member> {
  const configFile = `${folder}.json`;
  const { http, serf, server } = ports;
  const client = consulClient(`http://${HOST}:${http}`, () => undefined);
  let agent: ServerProcess | undefined;
  let before = '';
  await writeFile(
    configFile,
    JSON.stringify({
      ports: { http, grpc: -1, dns: -1, serf_lan: serf, serf_wan: -1, server },
      connect: { enabled: true },
      performance: { raft_multiplier: 1 },
      retry_join: joins,
      retry_interval: '500ms',
      log_level: 'debug',
    }),
  );
  return {
    client,
    ports,
    address: `${HOST}:${http}`,
    asked: () => (before + (agent?.output() ?? '')).match(/url=\/v1\/agent\/connect\/ca\//g)?.length ?? 0,
    connections: () => connectionsTo(http),
    async kill() {
      await agent?.kill();
    },
    async start() {
      before += agent?.output() ?? '';
      const started = await startProcess(binary('CONSUL'), [
        'agent',
        '-server',
        `-bootstrap-expect=${joins.length}`,
        `-data-dir=${folder}`,
        `-bind=${HOST}`,
        `-client=${HOST}`,
        `-node=server-${http}`,
        `-config-file=${configFile}`,
      ]);
      agent = started;
      const signing = '/v1/agent/connect/ca/leaf/cluster-readiness';
      await started.waitUntil(async () => (await client.get(signing)).status === 200);
    },
  };
}

/** Established connections to that port of loopback, as Linux lists them: addresses in hex, 01 for established. */
function connectionsTo(port: number): number {
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const fields = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  return fields.filter(([, , to, state]) => to === remote && state === '01').length;
}
