import assert from 'node:assert/strict';
import { after, before, type TestContext } from 'node:test';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { Report } from '../e2e/support/report.ts';
import { type RealConsul, type RealConsulOptions, startRealConsul } from '../fixtures/servers/real-consul.ts';
import {
  type AuditedWrite,
  type RealKubernetes,
  startRealKubernetes,
} from '../fixtures/servers/real-kubernetes.ts';
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

/** A Secret or Service as kubectl shows it, as far as tests read it. */
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

/** A real cluster with the shipped manifest applied, and a real Consul. */
export interface World {
  readonly consul: RealConsul;
  readonly kubernetes: RealKubernetes;
  /** The folder `k8s/`, as this API server takes it. */
  readonly k8s: string;
  /** The file that was applied. */
  readonly manifest: string;
  /** The variables of the daemon: the addresses, and the kubeconfig of the manifest's ServiceAccount. */
  environment(serviceAccount?: string): Promise<Record<string, string>>;
  /** Starts a daemon with that environment, and stops it after the test. */
  startDaemon(t: TestContext, env?: Variables): Promise<Daemon>;
  /** Runs `check` with that environment. */
  check(env?: Variables): Promise<Report>;
  /** kubectl as the administrator in the namespace; fails the test when kubectl fails. */
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  create(...objects: readonly object[]): Promise<void>;
  /** Deletes the Secret and the Service of the connector, if they exist. */
  deletePublished(): Promise<void>;
  show(kind: 'secret' | 'service', name: string): Promise<Shown | undefined>;
  /** The text of one key of a Secret. */
  read(secret: string, key: string): Promise<string>;
  annotation(kind: 'secret' | 'service', name: string, annotation: string): Promise<string | undefined>;
  /** Whether the Secret holds an identity of Consul's present trust domain. */
  isPublished(secret?: string): Promise<boolean>;
  /** The present version of the Secret and every later one, from a watch of the administrator. */
  record(secret: string): Promise<{ readonly versions: readonly WatchedObject[]; stop(): Promise<void> }>;
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

/** A world that its user starts and stops: for programs that are not tests. */
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
    return mustKubectl(started(kubernetes), ['-n', NAMESPACE, ...args], stdin);
  }

  async function environment(serviceAccount = SERVICE): Promise<Record<string, string>> {
    return {
      _CONSUL_HOST: started(consul).address.host,
      _CONSUL_PORT: String(started(consul).address.port),
      KUBECONFIG: await started(kubernetes).kubeconfigFor(NAMESPACE, serviceAccount),
    };
  }

  async function show(kind: 'secret' | 'service', name: string): Promise<Shown | undefined> {
    const text = await kubectl(['get', kind, name, '--ignore-not-found', '-o', 'json']);
    return text.trim() === '' ? undefined : JSON.parse(text);
  }

  async function annotation(...[kind, name, key]: Parameters<World['annotation']>) {
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
    get k8s() {
      return started(k8s);
    },
    get manifest() {
      return manifestIn(started(k8s));
    },
    environment,
    async startDaemon(t, env = {}) {
      const daemon = startDaemon({ ...(await environment()), ...env });
      t.after(() => daemon.stop());
      return daemon;
    },
    async check(env = {}) {
      return Report.of(startDaemon({ ...(await environment()), ...env }, ['check', '--json']));
    },
    kubectl,
    async create(...objects) {
      for (const object of objects) await kubectl(['create', '-f', '-'], JSON.stringify(object));
    },
    async deletePublished() {
      await kubectl(['delete', '--ignore-not-found', `secret/${SECRET}`, `service/${SERVICE}`]);
    },
    show,
    read: async (secret, key) => text(await show('secret', secret), key),
    annotation,
    async isPublished(secret = SECRET) {
      const { TrustDomain } = await started(consul).roots();
      return (await annotation('secret', secret, `${SERVICE}/trust-domain`)) === TrustDomain;
    },
    async record(secret) {
      const versions: WatchedObject[] = [];
      const { stop } = watchObjects(started(kubernetes), NAMESPACE, 'secrets', ({ object }) => {
        if (object.metadata.name === secret) versions.push(object);
      });
      await eventually(`${secret} is watched`, () => versions.length > 0);
      return { versions, stop };
    },
    async writes(resource, name) {
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
