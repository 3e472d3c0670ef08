import type { TestContext } from 'node:test';
import { KubeConfig } from '@kubernetes/client-node';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { FIELD_MANAGER } from '../../../src/publish/annotations.ts';
import { KubernetesClient } from '../../../src/publish/kubernetes/api/client.ts';
import { Credentials } from '../../../src/publish/kubernetes/api/credentials.ts';
import type { PublishObserver } from '../../../src/publish/publisher.ts';
import { type KubeconfigOptions, startKubernetesDouble } from '../../fixtures/kubernetes/index.ts';

const nothing = (): void => undefined;

/** An observer that reports nothing to anyone. */
export const SILENT: PublishObserver = {
  requested: nothing,
  warned: nothing,
  watching: nothing,
  watchFailed: nothing,
  adopted: nothing,
  rateLimited: nothing,
  confirmed: nothing,
  portsRejected: nothing,
  annotationRemoved: nothing,
  eventFailed: nothing,
};

/** A cluster, and clients of it with the field manager of the connector; `signal` aborts when the test is over. */
export async function startCluster(t: TestContext) {
  const cluster = await startKubernetesDouble();
  const end = new AbortController();
  const clients: KubernetesClient[] = [];
  t.after(async () => {
    end.abort();
    await Promise.all(clients.map((client) => client.close()));
    await cluster.close();
  });
  const connect = async (
    options?: KubeconfigOptions,
    clock: Clock = systemClock,
  ): Promise<KubernetesClient> => {
    const config = new KubeConfig();
    config.loadFromFile(cluster.kubeconfigFile(options));
    const client = new KubernetesClient({
      credentials: await Credentials.create(clock, () => config),
      clock,
      fieldManager: FIELD_MANAGER,
      onRequest: nothing,
      onWarning: nothing,
    });
    clients.push(client);
    return client;
  };
  return { cluster, connect, signal: end.signal };
}
