import type { Logger } from 'pino';
import type { Clock } from './clock.ts';
import type { Config } from './config/config.ts';
import { Connector, LOOPS, longestSilenceMs } from './connector.ts';
import { ConsulClient } from './consul/client.ts';
import { serverUrl } from './consul/endpoint.ts';
import { DirectoryPublisher } from './publish/directory/directory-publisher.ts';
import { KubernetesClient } from './publish/kubernetes/client.ts';
import { Credentials, podNamespace } from './publish/kubernetes/credentials.ts';
import { KubernetesPublisher } from './publish/kubernetes/kubernetes-publisher.ts';
import { FIELD_MANAGER, type ObjectNames } from './publish/objects.ts';
import type { Publisher } from './publish/publisher.ts';
import { Health } from './status/health.ts';
import { Metrics } from './status/metrics.ts';

export interface Composition {
  readonly connector: Connector;
  readonly health: Health;
  readonly metrics: Metrics;
}

/**
 * Puts the parts together and says in the log what they are.
 *
 * @throws PublishError KUBERNETES_CONFIGURATION when there is no way to a cluster
 */
export function compose(config: Config, clock: Clock, logger: Logger, version: string): Composition {
  const metrics = new Metrics(version);
  const health = new Health(clock, LOOPS, longestSilenceMs(config.consulWaitMs));
  const access = config.consul;
  const publisher = createPublisher(config, clock, logger, metrics);
  logger.info(
    {
      version,
      node: process.version,
      consul: access.servers.map((server) => serverUrl(server, access.tls)).join(', '),
      consulService: access.service,
      token: access.token.kind,
      ...publisher.target,
      tlsContext: config.tlsContext,
      ...(config.ambassadorId === '' ? {} : { ambassadorId: config.ambassadorId }),
    },
    'starting',
  );
  if (access.tls?.verify === false) {
    logger.warn('TLS with Consul verifies nothing: anybody on the way can read the token and the key');
  }
  const connector = new Connector({
    consul: new ConsulClient(access, clock),
    service: access.service,
    verifiesUpstream: config.upstreamCaSecret !== undefined,
    waitMs: config.consulWaitMs,
    publisher,
    clock,
    logger,
    health,
    metrics,
  });
  return { connector, health, metrics };
}

function createPublisher(config: Config, clock: Clock, logger: Logger, metrics: Metrics): Publisher {
  const shared = { clock, serviceEnabled: config.serviceEnabled, apiVersion: config.apiVersion };
  if (config.outputDirectory !== undefined) {
    const names = objectNames(config, config.secretNamespace ?? 'default');
    return new DirectoryPublisher({ ...shared, directory: config.outputDirectory, names });
  }
  const credentials = new Credentials();
  const client = new KubernetesClient({
    credentials,
    clock,
    fieldManager: FIELD_MANAGER,
    onRequest: (verb, resource, outcome) => metrics.kubernetesRequested(verb, resource, outcome),
  });
  const names = objectNames(config, podNamespace() ?? credentials.namespace ?? 'default');
  return new KubernetesPublisher({
    ...shared,
    client,
    names,
    logger,
    onWatchRestart: () => metrics.watchRestarted(),
  });
}

/** `home` is the namespace this runs in: where the Service goes, and the Secret unless it is told otherwise. */
function objectNames(config: Config, home: string): ObjectNames {
  const { ambassadorId, instance, labels, secret, service, tlsContext, upstreamCaSecret } = config;
  return {
    ambassadorId,
    instance,
    labels,
    secret,
    upstreamCaSecret,
    secretNamespace: config.secretNamespace ?? home,
    service,
    serviceNamespace: home,
    tlsContext,
    statusPort: config.http.port === 0 ? 8080 : config.http.port,
  };
}
