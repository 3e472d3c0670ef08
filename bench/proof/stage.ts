import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { commonName } from '../../test/fixtures/servers/common-name.ts';
import { type Gateway, startHaproxy, startNginx } from '../../test/fixtures/servers/gateway.ts';
import { type Reloader, startReloader } from '../../test/fixtures/servers/reloader.ts';
import { startSidecar } from '../../test/fixtures/servers/sidecar.ts';
import { makeWorld, NAMESPACE, type OwnWorld, SECRET } from '../../test/real/world.ts';
import { type EnvoyOnStage, startEnvoyOfEmissary, startEnvoyOfFolder, type Upstream } from './envoys.ts';
import { type Target, through } from './load.ts';
import { DEFAULT_NAMESPACE, publishByDefault, publishToFolder } from './publications.ts';
import { startReferenceClient } from './reference-client.ts';
import { makeSubjects, type SubjectName } from './subject.ts';

const IDENTITY = 'ambassador';
const SERVICES = ['quote', 'stock'];
/** Short enough that 30 % are left within a minute. Consul dates a leaf back by a minute. */
const SHORT_LEAF = '150s';
const LONG_LEAF = '72h';
const PUBLISHED_WITHIN_S = 60;

export type GatewayName = 'nginx' | 'haproxy' | 'envoy';
export const GATEWAYS: readonly GatewayName[] = ['envoy', 'nginx', 'haproxy'];

/** Everything the time line acts on: the mesh, the gateways in front of it, and what publishes their identity. */
export interface Stage {
  readonly world: OwnWorld;
  readonly reloader: Reloader;
  readonly targets: readonly Target[];
  /** nginx and HAProxy. */
  readonly gateways: readonly Gateway[];
  readonly envoys: readonly EnvoyOnStage[];
  /** When the folder was written, in milliseconds since the epoch. */
  folderWrites(): Promise<readonly number[]>;
  /** All that publish. */
  startSubject(): void;
  /** One more of each that may have a second one. */
  startReplica(): void;
  /** All that publish now, by SIGKILL. */
  killSubjects(): Promise<void>;
  /** The published leaf, of each publication. */
  leaves(): Promise<readonly X509Certificate[]>;
  /** Whether every Envoy has presented the leaf that is published for it. */
  presented(): Promise<boolean>;
  /** Resolves when it holds, and also when it does not in time: the table shows what did not happen. */
  until(holds: () => Promise<boolean>, mostSeconds: number): Promise<void>;
  seconds(count: number): Promise<void>;
  output(): string;
  stop(): Promise<void>;
}

export async function setStage(name: SubjectName, gateways: readonly GatewayName[]): Promise<Stage> {
  // With ACLs the default is to deny, of intentions too.
  const world = makeWorld({ persistent: true, acl: true });
  const stops: (() => Promise<unknown>)[] = [() => world.stop()];
  const stop = async () => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  try {
    return { ...(await build(name, gateways, world, stops)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function build(
  name: SubjectName,
  names: readonly GatewayName[],
  world: OwnWorld,
  stops: (() => Promise<unknown>)[],
): Promise<Omit<Stage, 'stop'>> {
  await world.start();
  const { consul, kubernetes } = world;
  const services: Upstream[] = [];
  for (const service of SERVICES) {
    const sidecar = await startSidecar(consul, service);
    stops.push(() => sidecar.stop());
    services.push({ name: service, port: sidecar.publicPort, plainPort: sidecar.plainPort });
    await consul.intend('allow', IDENTITY, service);
  }
  const reloader = startReloader(kubernetes, NAMESPACE, SECRET);
  stops.push(() => reloader.stop());

  const byDefault = names.includes('envoy') ? await publishByDefault(world) : undefined;
  const folder = names.includes('envoy') ? await publishToFolder(world) : undefined;
  const further = [byDefault, folder].filter((each) => each !== undefined);
  for (const publication of further) stops.push(publication.stop);
  const subjects = await makeSubjects(name, world, IDENTITY, further);
  stops.push(subjects.kill);

  // The first leaf lives minutes and the next ones days, so that one renewal falls into the time line and only one.
  await setLeafTtl(world, SHORT_LEAF);
  subjects.startAll();
  const published = async () =>
    reloader.files() !== undefined &&
    (await Promise.all(further.map(({ writes }) => writes()))).every((writes) => writes.length > 0);
  await until(published, PUBLISHED_WITHIN_S);
  await setLeafTtl(world, LONG_LEAF);
  const first = reloader.files();
  if (first === undefined || !(await published()))
    throw new Error(`nothing was published: ${subjects.output()}`);

  const envoys: EnvoyOnStage[] = [];
  if (folder !== undefined) {
    const plan = { consul, upstreams: services };
    for (const starting of [
      () => startEnvoyOfEmissary({ ...plan, name: 'envoy' }, kubernetes, DEFAULT_NAMESPACE),
      () => startEnvoyOfEmissary({ ...plan, name: 'envoy verifying' }, kubernetes, NAMESPACE),
      () => startEnvoyOfFolder({ ...plan, name: 'envoy folder' }, folder),
    ]) {
      const envoy = await starting();
      stops.push(envoy.stop);
      envoys.push(envoy);
    }
  }
  const upstreams = await Promise.all(
    services.map(async (each) => {
      return { ...each, tlsName: commonName((await consul.leaf(each.name)).CertPEM) };
    }),
  );
  const gateways: Gateway[] = [];
  const targets: Target[] = envoys.flatMap((envoy) => envoy.targets);
  for (const [client, start] of [
    ['nginx', startNginx],
    ['haproxy', startHaproxy],
  ] as const) {
    if (!names.includes(client)) continue;
    const gateway = await start(upstreams, first);
    stops.push(() => gateway.stop());
    reloader.serve(client, gateway, first);
    gateways.push(gateway);
    targets.push(...services.map(({ name: service }) => through(client, gateway.port, service)));
  }
  const reference = await startReferenceClient(consul, IDENTITY);
  stops.push(() => reference.stop());
  for (const { name: service, port } of services)
    targets.push({ client: 'reference client', service, send: () => reference.send(service, port) });

  return {
    world,
    reloader,
    targets,
    gateways,
    envoys,
    folderWrites: async () => (await folder?.writes()) ?? [],
    startSubject: subjects.startAll,
    startReplica: subjects.startReplicas,
    killSubjects: subjects.kill,
    async leaves() {
      const ofEnvoys = await Promise.all(envoys.map((envoy) => envoy.leaf()));
      return [
        new X509Certificate((reloader.files() ?? first).certificate),
        ...ofEnvoys.filter((leaf) => leaf !== undefined),
      ];
    },
    async presented() {
      const found = await Promise.all(
        envoys.map(async ({ leaf, sightings }) => {
          const serialNumber = (await leaf())?.serialNumber;
          return sightings.some((sighting) => sighting.serialNumber === serialNumber);
        }),
      );
      return found.every(Boolean);
    },
    until,
    seconds: (count) => sleep(count * 1_000),
    output: () =>
      [subjects, ...envoys, ...gateways, consul].map((each) => each.output().slice(-20_000)).join('\n----\n'),
  };
}

/** Below an hour Consul takes a lifetime only unchecked, and then signs a new leaf for every query. */
async function setLeafTtl({ consul }: OwnWorld, ttl: string): Promise<void> {
  const path = '/v1/connect/ca/configuration';
  const current = await consul.mustGet<{ Config: Record<string, unknown> }>(path);
  const Config = { ...current.Config, LeafCertTTL: ttl, SkipValidate: ttl === SHORT_LEAF };
  await consul.mustPut(path, { Provider: 'consul', Config });
}

async function until(holds: () => Promise<boolean>, mostSeconds: number): Promise<void> {
  const deadline = performance.now() + mostSeconds * 1_000;
  while (!(await holds()) && performance.now() < deadline) await sleep(50);
}
