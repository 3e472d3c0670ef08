import assert from 'node:assert/strict';
import { after, before, type TestContext } from 'node:test';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { Report } from '../e2e/support/report.ts';
import { type RealConsul, type RealConsulOptions, startRealConsul } from '../fixtures/servers/real-consul.ts';
import { type RealKubernetes, startRealKubernetes } from '../fixtures/servers/real-kubernetes.ts';
import { startAll } from '../fixtures/servers/start-all.ts';
import { type WatchedObject, watchObjects } from '../fixtures/servers/watch.ts';
import { k8sFor } from './manifests.ts';

export const NAMESPACE = 'ambassador';
export const SECRET = 'ambassador-consul-connect';
export const SERVICE = 'ambassador-consul-connector';
export const CA_SECRET = `${SECRET}-ca`;
/** The annotation of the Service with the TLSContext. */
export const CONFIG = 'getambassador.io/config';

type Variables = Readonly<Record<string, string>>;

/** The fields of a Secret or Service that tests read. */
export interface Shown {
  readonly type?: string;
  readonly metadata: {
    readonly uid: string;
    readonly resourceVersion: string;
    readonly annotations: Readonly<Record<string, string>>;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly data: Readonly<Record<string, string>>;
}

/** A world that its user starts and stops: for programs that are not tests. */
export type OwnWorld = ReturnType<typeof makeWorld>;
/** A real cluster with the shipped manifest applied, and a real Consul. */
export type World = Omit<OwnWorld, 'start' | 'stop'>;

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

export function makeWorld(consulOptions: RealConsulOptions = {}) {
  let consul: RealConsul | undefined;
  let kubernetes: RealKubernetes | undefined;
  let k8s: string | undefined;
  const started = <T>(server: T | undefined): T => {
    assert.ok(server !== undefined, 'the real servers have not started');
    return server;
  };

  /** kubectl as the administrator in the namespace; fails the test when kubectl fails. */
  async function kubectl(args: readonly string[], stdin?: string): Promise<string> {
    return mustKubectl(started(kubernetes), ['-n', NAMESPACE, ...args], stdin);
  }

  /** The variables of the daemon: the addresses, and the kubeconfig of the manifest's ServiceAccount. */
  async function environment(serviceAccount = SERVICE): Promise<Record<string, string>> {
    return {
      _CONSUL_HOST: started(consul).address.host,
      _CONSUL_PORT: String(started(consul).address.port),
      KUBECONFIG: await started(kubernetes).kubeconfigFor(NAMESPACE, serviceAccount),
    };
  }

  /** Starts a daemon with `environment()` and `env`, and stops it after the test. */
  async function startForTest(t: TestContext, env: Variables = {}): Promise<Daemon> {
    const daemon = startDaemon({ ...(await environment()), ...env });
    t.after(() => daemon.stop());
    return daemon;
  }

  async function show(kind: 'secret' | 'service', name: string): Promise<Shown | undefined> {
    const text = await kubectl(['get', kind, name, '--ignore-not-found', '-o', 'json']);
    return text.trim() === '' ? undefined : JSON.parse(text);
  }

  async function annotation(kind: 'secret' | 'service', name: string, key: string) {
    return (await show(kind, name))?.metadata.annotations[key];
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
    /** The folder `k8s/`, or a copy that this API server accepts. */
    get k8s() {
      return started(k8s);
    },
    /** The file that was applied. */
    get manifest() {
      return manifestIn(started(k8s));
    },
    environment,
    startDaemon: startForTest,
    /** The same, once it is ready. */
    async startReady(t: TestContext, env?: Variables) {
      const daemon = await startForTest(t, env);
      await daemon.ready();
      return daemon;
    },
    /** Runs `check` with `environment()` and `env`. */
    async check(env: Variables = {}) {
      return Report.of(startDaemon({ ...(await environment()), ...env }, ['check', '--json']));
    },
    kubectl,
    async create(...objects: readonly object[]) {
      for (const object of objects) await kubectl(['create', '-f', '-'], JSON.stringify(object));
    },
    /** Deletes the Secret and the Service of the connector, if they exist. */
    async deletePublished() {
      await kubectl(['delete', '--ignore-not-found', `secret/${SECRET}`, `service/${SERVICE}`]);
    },
    show,
    /** The text of one key of a Secret. */
    read: async (secret: string, key: string) => text(await show('secret', secret), key),
    annotation,
    /** Whether the Secret holds an identity of Consul's current trust domain. */
    async isPublished(secret = SECRET) {
      const { TrustDomain } = await started(consul).roots();
      return (await annotation('secret', secret, `${SERVICE}/trust-domain`)) === TrustDomain;
    },
    /** The current version of the Secret and every later one, from a watch of the administrator. */
    async record(secret: string) {
      const versions: WatchedObject[] = [];
      const { stop } = watchObjects(started(kubernetes), NAMESPACE, 'secrets', ({ object }) => {
        if (object.metadata.name === secret) versions.push(object);
      });
      await eventually(`${secret} is watched`, () => versions.length > 0);
      return { versions, stop };
    },
    /** The successful writes of one object so far, except those of kubectl. */
    async writes(resource: 'secrets' | 'services', name: string) {
      const all = await started(kubernetes).writes();
      // The name of a created object is in its body, so the audit log has none.
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

/** The text of one key of a Secret; empty if there is none. */
export function text(secret: Pick<WatchedObject, 'data'> | undefined, key: string): string {
  return Buffer.from(secret?.data?.[key] ?? '', 'base64').toString('utf8');
}

/** kubectl as the administrator; fails the test when kubectl fails. */
export async function mustKubectl(
  kubernetes: RealKubernetes,
  args: readonly string[],
  stdin?: string,
): Promise<string> {
  const { code, stdout, stderr } = await kubernetes.kubectl(args, stdin);
  assert.equal(code, 0, `kubectl ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

/** Whether the API server serves that version of an API, such as `policy/v1`. */
export async function serves(kubectl: World['kubectl'], version: string): Promise<boolean> {
  return (await kubectl(['api-versions'])).split('\n').includes(version);
}
