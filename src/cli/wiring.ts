import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { Connector, LOOPS, longestSilenceMs } from '../connector/connector.ts';
import { ConsulClient } from '../consul/client.ts';
import { serverUrl } from '../consul/endpoint.ts';
import { VERIFIES_NOTHING } from '../consul/tls.ts';
import type { Clock } from '../lib/clock.ts';
import { DirectoryPublisher } from '../publish/directory/publisher.ts';
import { type ClientOptions, KubernetesClient, type ObjectRef } from '../publish/kubernetes/api/client.ts';
import { Credentials, podNamespace } from '../publish/kubernetes/api/credentials.ts';
import { describeObject } from '../publish/kubernetes/api/errors.ts';
import { KubernetesPublisher } from '../publish/kubernetes/publisher.ts';
import {
  allManifests,
  FIELD_MANAGER,
  type ObjectNames,
  OPAQUE_SECRET_TYPE,
  TLS_SECRET_TYPE,
} from '../publish/manifests.ts';
import type { Preview } from '../publish/publisher.ts';
import { chooseApiVersion } from '../publish/tls-context.ts';
import { EventLog } from '../status/event-log.ts';
import { type Component, Health } from '../status/health.ts';
import { Metrics } from '../status/metrics.ts';
import type { Observed } from '../status/observed.ts';
import type { Setup } from '../status/page/view.ts';
import type { KubernetesSide, PlannedObject } from './check/kubernetes.ts';
import type { RenderOptions } from './render.ts';

/** Three rounds in ten seconds. */
const CHECK_DEADLINE_MS = 3_300;

export interface Wiring extends Observed {
  readonly connector: Connector;
}

/**
 * Puts the parts together and says in the log what they are.
 *
 * @throws PublishError KUBERNETES_CONFIGURATION when there is no way to a cluster
 */
export function wire(config: Config, clock: Clock, logger: Logger, version: string): Wiring {
  const metrics = new Metrics(version);
  const health = new Health(clock, LOOPS, longestSilenceMs(config.consulWaitMs));
  const eventLog = new EventLog();
  eventLog.subscribe(({ kind }) => {
    if (kind === 'rate-limited') metrics.postponed();
  });
  const access = config.consul;
  const publisher = createPublisher(config, clock, logger, eventLog, { health, metrics });
  const consulServers = access.servers.map((server) => serverUrl(server, access.tls));
  logger.info(
    {
      version,
      node: process.version,
      consul: consulServers.join(', '),
      consulService: access.service,
      token: access.token.kind,
      ...publisher.target,
      tlsContext: config.tlsContext,
      ...(config.ambassadorId === '' ? {} : { ambassadorId: config.ambassadorId }),
    },
    'starting',
  );
  if (access.tls?.verify === false) {
    logger.warn(VERIFIES_NOTHING);
  }
  const connector = new Connector({
    consul: new ConsulClient(access, clock),
    service: access.service,
    scope: access.scope,
    verifiesUpstream: config.upstreamCaSecret !== undefined,
    waitMs: config.consulWaitMs,
    publisher,
    clock,
    logger,
    health,
    metrics,
    eventLog,
  });
  const setup: Setup = {
    version,
    ambassadorId: config.ambassadorId,
    consulService: access.service,
    consulServers,
    tlsContext: config.tlsContext,
    target: publisher.target,
  };
  return { connector, health, metrics, eventLog, setup };
}

function createPublisher(
  config: Config,
  clock: Clock,
  logger: Logger,
  eventLog: EventLog,
  observers?: Pick<Wiring, 'health' | 'metrics'>,
): Preview {
  const shared = { clock, serviceEnabled: config.serviceEnabled, apiVersion: config.apiVersion };
  if (config.outputDirectory !== undefined) {
    const names = objectNames(config, config.secretNamespace ?? 'default');
    return new DirectoryPublisher({ ...shared, directory: config.outputDirectory, names });
  }
  const { client, names } = createCluster(config, clock, (verb, resource, outcome) => {
    observers?.metrics.kubernetesRequested(verb, resource, outcome);
    if (outcome === 'ok') observers?.health.recordAnswer('kubernetes');
  });
  const watchOf = (ref: ObjectRef): Component => `watch ${describeObject(ref)}`;
  return new KubernetesPublisher({
    ...shared,
    client,
    names,
    logger,
    eventLog,
    reporter: hostname(),
    onWatchFollow: (ref) => observers?.health.clearProblem(watchOf(ref)),
    onWatchRestart: (ref, error) => {
      observers?.metrics.watchRestarted();
      observers?.health.setProblem(watchOf(ref), error);
    },
  });
}

/** @throws PublishError KUBERNETES_CONFIGURATION when there is no way to a cluster */
function createCluster(
  config: Config,
  clock: Clock,
  onRequest: ClientOptions['onRequest'],
  deadlineMs?: number,
): { client: KubernetesClient; names: ObjectNames } {
  const credentials = new Credentials();
  const deadline = deadlineMs === undefined ? {} : { deadlineMs };
  const client = new KubernetesClient({
    credentials,
    clock,
    fieldManager: FIELD_MANAGER,
    onRequest,
    ...deadline,
  });
  return { client, names: objectNames(config, podNamespace() ?? credentials.namespace ?? 'default') };
}

/** What `check` asks the cluster with and about: two or three rounds fit into ten seconds. */
export function wireCheck(config: Config, clock: Clock): KubernetesSide {
  const { client, names } = createCluster(config, clock, () => undefined, CHECK_DEADLINE_MS);
  const objects: PlannedObject[] = [
    { resource: 'secrets', namespace: names.secretNamespace, name: names.secret, type: TLS_SECRET_TYPE },
  ];
  if (names.upstreamCaSecret !== undefined) {
    objects.push({
      resource: 'secrets',
      namespace: names.secretNamespace,
      name: names.upstreamCaSecret,
      type: OPAQUE_SECRET_TYPE,
    });
  }
  if (config.serviceEnabled)
    objects.push({ resource: 'services', namespace: names.serviceNamespace, name: names.service });
  return { client, objects, apiVersion: config.apiVersion };
}

/** What `render` is made of. */
export function wireRender(
  config: Config,
  clock: Clock,
  logger: Logger,
): Pick<RenderOptions, 'clock' | 'consul' | 'publisher' | 'unasked' | 'verifiesUpstream'> {
  return {
    consul: config.consul,
    clock,
    publisher: () => createPublisher(config, clock, logger, new EventLog()),
    verifiesUpstream: config.upstreamCaSecret !== undefined,
    unasked: (content, occasion) => {
      const names = objectNames(config, podNamespace() ?? 'default');
      const version = config.apiVersion === 'auto' ? chooseApiVersion([]) : config.apiVersion;
      return allManifests(names, content, occasion, config.serviceEnabled ? version : undefined);
    },
  };
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
