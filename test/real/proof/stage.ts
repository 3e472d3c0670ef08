import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { commonName } from '../../fixtures/servers/common-name.ts';
import { type Gateway, startHaproxy, startNginx, type Upstream } from '../../fixtures/servers/gateway.ts';
import { ask } from '../../fixtures/servers/http.ts';
import { type Reloader, startReloader } from '../../fixtures/servers/reloader.ts';
import { makeWorld, NAMESPACE, type OwnWorld, SECRET } from '../world.ts';
import { checkAnswer } from './answer.ts';
import { type EnvoyOnStage, startEnvoyOfEmissary, startEnvoyOfFolder } from './envoys.ts';
import type { ClientName, Target } from './load.ts';
import { IDENTITY, LONG_LEAF, SHORT_LEAF, type Stops, setLeafTtl, startServices } from './mesh.ts';
import { DEFAULT_NAMESPACE, type Publication, publishByDefault, publishToFolder } from './publications.ts';
import { startReferenceClient } from './reference-client.ts';
import type { SubjectName } from './subject.ts';
import { makeSubjects } from './subjects.ts';

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
  /** Whatever publishes now, by SIGKILL. */
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
  const stops: Stops = [() => world.stop()];
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
  stops: Stops,
): Promise<Omit<Stage, 'stop'>> {
  await world.start();
  const { consul, kubernetes } = world;
  const services = await startServices(world, stops);
  const reloader = startReloader(kubernetes, NAMESPACE, SECRET);
  stops.push(() => reloader.stop());

  const byDefault = names.includes('envoy') ? await publishByDefault(world) : undefined;
  const folder = names.includes('envoy') ? await publishToFolder(world) : undefined;
  const further = [byDefault, folder].filter((each): each is Publication => each !== undefined);
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
    services.map(async (each): Promise<Upstream> => {
      return { ...each, tlsName: commonName((await consul.leaf(each.name)).CertPEM) };
    }),
  );
  const gateways: Gateway[] = [];
  const targets = envoys.flatMap((envoy) => envoy.targets);
  for (const [client, start] of [
    ['nginx', startNginx],
    ['haproxy', startHaproxy],
  ] as const) {
    if (!names.includes(client)) continue;
    const gateway = await start(upstreams, first);
    stops.push(() => gateway.stop());
    reloader.serve(client, gateway, first);
    gateways.push(gateway);
    targets.push(...services.map(({ name: service }) => through(client, gateway, service)));
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

function through(client: ClientName, { port }: Gateway, service: string): Target {
  const send = async () => checkAnswer(await ask(`http://127.0.0.1:${port}/${service}`), service);
  return { client, service, send };
}

async function until(holds: () => Promise<boolean>, mostSeconds: number): Promise<void> {
  const deadline = performance.now() + mostSeconds * 1_000;
  while (!(await holds()) && performance.now() < deadline) await sleep(50);
}
