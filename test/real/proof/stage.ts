import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { commonName } from '../../fixtures/servers/common-name.ts';
import { type Gateway, startHaproxy, startNginx, type Upstream } from '../../fixtures/servers/gateway.ts';
import { ask } from '../../fixtures/servers/http.ts';
import { type Reloader, startReloader } from '../../fixtures/servers/reloader.ts';
import { type Sidecar, startSidecar } from '../../fixtures/servers/sidecar.ts';
import { makeWorld, NAMESPACE, type OwnWorld, SECRET } from '../world.ts';
import { checkAnswer } from './answer.ts';
import type { Target } from './load.ts';
import { startPerfectClient } from './reference-client.ts';
import { environmentOf, type Publishing, type SubjectName, startSubject } from './subject.ts';

const IDENTITY = 'ambassador';
const SERVICES = ['quote', 'stock'];
/** Short enough that 40 % are left within a minute. Consul dates a leaf back by a minute. */
const SHORT_LEAF = '3m';
const LONG_LEAF = '72h';

/** Everything the time line acts on: the mesh, two gateways in front of it, and what publishes their identity. */
export interface Stage {
  readonly world: OwnWorld;
  readonly reloader: Reloader;
  readonly targets: readonly Target[];
  readonly gateways: readonly Gateway[];
  /** One more of what publishes. */
  startSubject(): Publishing;
  /** Whatever publishes now, by SIGKILL. */
  killSubjects(): Promise<void>;
  /** The published leaf. */
  leaf(): X509Certificate;
  /** Resolves when it holds, and also when it does not in time: the table shows what did not happen. */
  until(holds: () => boolean, mostSeconds: number): Promise<void>;
  seconds(count: number): Promise<void>;
  output(): string;
  stop(): Promise<void>;
}

export async function setStage(name: SubjectName): Promise<Stage> {
  // With ACLs the default is to deny, of intentions too.
  const world = makeWorld({ persistent: true, acl: true });
  const stops: (() => Promise<unknown>)[] = [() => world.stop()];
  const stop = async () => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  try {
    return await build(name, world, stops, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function build(
  name: SubjectName,
  world: OwnWorld,
  stops: (() => Promise<unknown>)[],
  stop: () => Promise<void>,
): Promise<Stage> {
  await world.start();
  const { consul, kubernetes } = world;
  const sidecars = new Map<string, Sidecar>();
  for (const service of SERVICES) {
    const sidecar = await startSidecar(consul, service);
    stops.push(() => sidecar.stop());
    sidecars.set(service, sidecar);
    await consul.intend('allow', IDENTITY, service);
  }
  const reloader = startReloader(kubernetes, NAMESPACE, SECRET);
  stops.push(() => reloader.stop());

  const environment = {
    ...(await environmentOf(name, world)),
    CONSUL_HTTP_TOKEN: await consul.makeToken(`service "${IDENTITY}" { policy = "write" }`),
  };
  let subjects: Publishing[] = [];
  let said = '';
  const startOne = () => {
    const subject = startSubject(name, environment);
    subjects.push(subject);
    return subject;
  };
  const killSubjects = async () => {
    await Promise.all(subjects.map((subject) => subject.kill()));
    said += subjects.map((subject) => subject.output()).join('');
    subjects = [];
  };
  stops.push(killSubjects);

  async function until(holds: () => boolean, mostSeconds: number): Promise<void> {
    const deadline = performance.now() + mostSeconds * 1_000;
    while (!holds() && performance.now() < deadline) await sleep(50);
  }

  // The first leaf lives minutes and the next ones days, so that one renewal falls into the time line and only one.
  await setLeafTtl(world, SHORT_LEAF);
  startOne();
  await until(() => reloader.files() !== undefined, 60);
  await setLeafTtl(world, LONG_LEAF);
  const first = reloader.files();
  if (first === undefined) throw new Error(`nothing was published: ${subjects[0]?.output()}`);

  const upstreams = await Promise.all(
    SERVICES.map(async (service): Promise<Upstream> => {
      const port = sidecars.get(service)?.publicPort ?? 0;
      return { name: service, port, tlsName: commonName((await consul.leaf(service)).CertPEM) };
    }),
  );
  const nginx = await startNginx(upstreams, first);
  stops.push(() => nginx.stop());
  reloader.serve('nginx', nginx, first);
  const haproxy = await startHaproxy(upstreams, first);
  stops.push(() => haproxy.stop());
  reloader.serve('haproxy', haproxy, first);
  const perfect = await startPerfectClient(consul, IDENTITY);
  stops.push(() => perfect.stop());

  const throughGateway = async ({ port }: Gateway, service: string) =>
    checkAnswer(await ask(`http://127.0.0.1:${port}/${service}`), service);
  const targets = upstreams.flatMap(({ name: service, port }): Target[] => [
    { client: 'nginx', service, send: () => throughGateway(nginx, service) },
    { client: 'haproxy', service, send: () => throughGateway(haproxy, service) },
    { client: 'perfect client', service, send: () => perfect.send(service, port) },
  ]);

  return {
    world,
    reloader,
    targets,
    gateways: [nginx, haproxy],
    startSubject: startOne,
    killSubjects,
    leaf: () => new X509Certificate((reloader.files() ?? first).certificate),
    until,
    seconds: (count) => sleep(count * 1_000),
    output: () =>
      [said, ...[...subjects, nginx, haproxy, consul].map((each) => each.output().slice(-20_000))].join(
        '\n----\n',
      ),
    stop,
  };
}

/** Below an hour Consul takes a lifetime only unchecked, and then signs a new leaf for every query. */
async function setLeafTtl({ consul }: OwnWorld, ttl: string): Promise<void> {
  const current = await consul.mustGet<{ Config: Record<string, unknown> }>('/v1/connect/ca/configuration');
  await consul.mustPut('/v1/connect/ca/configuration', {
    Provider: 'consul',
    Config: { ...current.Config, LeafCertTTL: ttl, SkipValidate: ttl === SHORT_LEAF },
  });
}
