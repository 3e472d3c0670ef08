import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { Connector, LOOPS, maxSilenceMs } from '../connector/connector.ts';
import type { PlannerOptions } from '../connector/planner.ts';
import { Reporter } from '../connector/reporter.ts';
import { ConsulClient } from '../consul/client.ts';
import { serverUrl } from '../consul/endpoint.ts';
import { VERIFIES_NOTHING } from '../consul/tls.ts';
import type { Clock } from '../lib/clock.ts';
import { DirectoryPublisher } from '../publish/directory/publisher.ts';
import { KubernetesClient } from '../publish/kubernetes/api/client.ts';
import { Credentials, podNamespace } from '../publish/kubernetes/api/credentials.ts';
import { KubernetesPublisher } from '../publish/kubernetes/publisher.ts';
import {
  FIELD_MANAGER,
  type ObjectNames,
  OPAQUE_SECRET_TYPE,
  TLS_SECRET_TYPE,
} from '../publish/manifests.ts';
import type { Preview, PublishObserver } from '../publish/publisher.ts';
import { type KubernetesTarget, kubernetesTarget, type Target, targetFields } from '../publish/target.ts';
import { EventLog } from '../status/event-log.ts';
import { Health } from '../status/health.ts';
import { Metrics } from '../status/metrics.ts';
import type { Observed } from '../status/observed.ts';
import type { KubernetesSide, PlannedObject } from './check/kubernetes.ts';
import type { RenderOptions } from './render.ts';

/** Three rounds in ten seconds. */
const CHECK_DEADLINE_MS = 3_300;

export interface Wiring extends Observed {
  readonly connector: Connector;
}

/**
 * Creates the components from the configuration and logs what they are.
 *
 * @throws PublishError KUBERNETES_CONFIGURATION when there is no way to a cluster
 */
export function wire(config: Config, clock: Clock, logger: Logger, version: string): Wiring {
  const { consul: access, ambassadorId, tlsContext } = config;
  const destination = destinationOf(config);
  const { target } = destination;
  const metrics = new Metrics(version);
  const health = new Health(clock, LOOPS, maxSilenceMs(config.consulWaitMs));
  const eventLog = new EventLog();
  const reporter = new Reporter({ clock, logger, metrics, health, eventLog, target });
  const publisher = createPublisher(config, destination, clock, reporter);
  eventLog.subscribe((event) => publisher.record(event));
  const consulServers = access.servers.map((server) => serverUrl(server, access.tls));
  logger.info(
    {
      version,
      node: process.version,
      consul: consulServers.join(', '),
      consulService: access.service,
      token: access.token.kind,
      ...targetFields(target),
      tlsContext,
      ...(ambassadorId === '' ? {} : { ambassadorId }),
    },
    'starting',
  );
  if (access.tls?.verify === false) {
    logger.warn(VERIFIES_NOTHING);
  }
  const connector = new Connector({
    ...plannerOptions(config, clock),
    consul: new ConsulClient(access, clock),
    waitMs: config.consulWaitMs,
    publisher,
    reporter,
  });
  const setup = { version, ambassadorId, consulService: access.service, consulServers, tlsContext, target };
  return { connector, health, metrics, eventLog, setup };
}

/** Where to publish, and under which names. */
type Destination =
  | {
      readonly kind: 'directory';
      readonly target: Target & { kind: 'directory' };
      readonly names: ObjectNames;
    }
  | {
      readonly kind: 'kubernetes';
      readonly target: KubernetesTarget;
      readonly names: ObjectNames;
      readonly credentials: Credentials;
    };

/** @throws PublishError KUBERNETES_CONFIGURATION when there is no way to a cluster */
function destinationOf(config: Config): Destination {
  const { outputDirectory: directory } = config;
  if (directory !== undefined) {
    const names = objectNames(config, config.secretNamespace ?? 'default');
    return { kind: 'directory', target: { kind: 'directory', directory }, names };
  }
  const credentials = new Credentials();
  const names = objectNames(config, podNamespace() ?? credentials.namespace ?? 'default');
  const target = kubernetesTarget(credentials.server, names, config.serviceEnabled);
  return { kind: 'kubernetes', target, names, credentials };
}

function createPublisher(
  config: Config,
  destination: Destination,
  clock: Clock,
  observer: PublishObserver,
): Preview {
  const { names } = destination;
  const shared = { clock, names, serviceEnabled: config.serviceEnabled, apiVersion: config.apiVersion };
  if (destination.kind === 'directory') {
    return new DirectoryPublisher({ ...shared, directory: destination.target.directory });
  }
  const { credentials, target } = destination;
  const client = new KubernetesClient({
    credentials,
    clock,
    fieldManager: FIELD_MANAGER,
    onRequest: (verb, resource, outcome) => observer.requested(verb, resource, outcome),
  });
  return new KubernetesPublisher({ ...shared, client, target, observer, instance: hostname() });
}

/** What `check` queries the cluster with and about: two or three rounds fit into ten seconds. */
export function wireCheck(config: Config, clock: Clock): KubernetesSide {
  const credentials = new Credentials();
  const names = objectNames(config, podNamespace() ?? credentials.namespace ?? 'default');
  const client = new KubernetesClient({
    credentials,
    clock,
    fieldManager: FIELD_MANAGER,
    onRequest: () => undefined,
    deadlineMs: CHECK_DEADLINE_MS,
  });
  const { secret, upstreamCaSecret, service } = kubernetesTarget(client.server, names, config.serviceEnabled);
  const objects: PlannedObject[] = [{ resource: 'secrets', ...secret, type: TLS_SECRET_TYPE }];
  if (upstreamCaSecret !== undefined) {
    objects.push({ resource: 'secrets', ...upstreamCaSecret, type: OPAQUE_SECRET_TYPE });
  }
  if (service !== undefined) objects.push({ resource: 'services', ...service });
  return { client, objects };
}

/** What `render` is made of. */
export function wireRender(
  config: Config,
  clock: Clock,
): Pick<RenderOptions, 'planner' | 'consul' | 'clock' | 'publisher' | 'offline'> {
  const { serviceEnabled, apiVersion } = config;
  return {
    planner: plannerOptions(config, clock),
    consul: config.consul,
    clock,
    publisher: () => createPublisher(config, destinationOf(config), clock, UNOBSERVED),
    offline: { names: objectNames(config, podNamespace() ?? 'default'), serviceEnabled, apiVersion },
  };
}

/** For a command that reports by its result alone. */
const UNOBSERVED: PublishObserver = {
  requested: () => undefined,
  watching: () => undefined,
  watchFailed: () => undefined,
  adopted: () => undefined,
  rateLimited: () => undefined,
  annotationRemoved: () => undefined,
  eventFailed: () => undefined,
};

function plannerOptions({ consul, upstreamCaSecret }: Config, clock: Clock): PlannerOptions {
  const { service, scope } = consul;
  return { service, scope, verifiesUpstream: upstreamCaSecret !== undefined, clock };
}

/** `home` is the namespace this runs in: that of the Service, and of the Secret unless another one is configured. */
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
