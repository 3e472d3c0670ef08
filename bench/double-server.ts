import { createServerIdentity, KubernetesDouble } from '../test/fixtures/kubernetes/index.ts';
import type { ApiServer, Place } from './place.ts';
import { pemsOf, Sightings } from './sightings.ts';

const NAMESPACE = 'ambassador';

/** Doubles of an API server in this process, one for each place: they are faster than a real one, and so hide no differences. */
export const doubleServer: ApiServer = {
  name: 'Kubernetes double',
  place: (_, speed) => SightedDouble.started(speed),
  kubectl: () => undefined,
  close: () => Promise.resolve(),
};

/** A double that notes when a Secret was stored. */
export class SightedDouble extends KubernetesDouble implements Place {
  readonly secrets = new Sightings();

  private constructor(...parameters: ConstructorParameters<typeof KubernetesDouble>) {
    super(...parameters);
    this.store.onChange(({ type, plural, object }) => {
      if (plural === 'secrets' && type !== 'DELETED') this.secrets.saw(pemsOf(object.data));
    });
  }

  static async started(speed = 1): Promise<SightedDouble> {
    const double = new SightedDouble(await createServerIdentity(), { speed });
    await double.start();
    return double;
  }

  get env(): Readonly<Record<string, string>> {
    return { KUBECONFIG: this.kubeconfigFile({ namespace: NAMESPACE }) };
  }

  clear(): Promise<void> {
    this.remove('Secret', NAMESPACE, 'ambassador-consul-connect');
    this.remove('Service', NAMESPACE, 'ambassador-consul-connector');
    return Promise.resolve();
  }
}
