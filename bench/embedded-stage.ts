import { fastClock, fastTimeOf } from '../test/e2e/support/fast-time.ts';
import { type Authority, createRoot } from '../test/fixtures/certificates/factory.ts';
import {
  type EmbeddedConsul,
  type EmbeddedConsulOptions,
  startEmbeddedConsul,
} from '../test/fixtures/consul/embedded-consul.ts';
import { createServerIdentity, KubernetesDouble } from '../test/fixtures/kubernetes/index.ts';
import { Sightings, type Stage } from './stage.ts';

export const NAMESPACE = 'ambassador';

export interface EmbeddedStageOptions {
  /** How many times as fast as the machine's the time of both servers and of the subject runs. Default 1. */
  readonly speed?: number;
  readonly consul?: EmbeddedConsulOptions;
}

/** The embedded Consul and the Kubernetes double, in this process: fast enough that they hide no difference. */
export class EmbeddedStage implements Stage {
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: Sightings;
  readonly consul: EmbeddedConsul;
  readonly cluster: SightedCluster;
  readonly #roots: readonly Authority[];
  #changes = 0;

  private constructor(
    consul: EmbeddedConsul,
    cluster: SightedCluster,
    roots: readonly Authority[],
    env: object,
  ) {
    this.consul = consul;
    this.cluster = cluster;
    this.secrets = cluster.secrets;
    this.#roots = roots;
    this.env = {
      _CONSUL_HOST: consul.host,
      _CONSUL_PORT: String(consul.port),
      KUBECONFIG: cluster.kubeconfigFile({ namespace: NAMESPACE }),
      ...env,
    };
  }

  static async start({
    speed = 1,
    consul: consulOptions,
  }: EmbeddedStageOptions = {}): Promise<EmbeddedStage> {
    const origin = Date.now();
    const consul = await startEmbeddedConsul({ clock: fastClock(speed, origin), ...consulOptions });
    // The first leaf takes a signature, which is no cost of the subject's.
    await consul.leaf('ambassador');
    const cluster = new SightedCluster(await createServerIdentity(), { speed });
    await cluster.start();
    const root = () => createRoot({ trustDomain: consul.trustDomain });
    const roots = await Promise.all([root(), root()]);
    return new EmbeddedStage(consul, cluster, roots, speed === 1 ? {} : fastTimeOf(speed, origin));
  }

  requests(): { consul: number; kubernetes: number } {
    return { consul: this.consul.requests.length, kubernetes: this.cluster.requests.length };
  }

  change(): Promise<{ at: number; rootPem: string }> {
    this.#changes += 1;
    const root = this.#roots[this.#changes % this.#roots.length];
    if (root === undefined) throw new Error('the stage has no roots');
    this.consul.listInactiveRoots([root]);
    return Promise.resolve({ at: performance.now(), rootPem: root.certPem });
  }

  clear(): Promise<void> {
    this.cluster.remove('Secret', NAMESPACE, 'ambassador-consul-connect');
    this.cluster.remove('Service', NAMESPACE, 'ambassador-consul-connector');
    return Promise.resolve();
  }

  async close(): Promise<void> {
    await Promise.all([this.consul.close(), this.cluster.close()]);
  }
}

/** A cluster that notes the instant at which a Secret was stored. */
export class SightedCluster extends KubernetesDouble {
  readonly secrets = new Sightings();

  constructor(...parameters: ConstructorParameters<typeof KubernetesDouble>) {
    super(...parameters);
    this.store.onChange(({ type, plural, object }) => {
      if (plural === 'secrets' && type !== 'DELETED') this.secrets.saw(object.data);
    });
  }
}
