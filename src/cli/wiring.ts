import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { Connector, LOOPS, maxSilenceMs } from '../connector/connector.ts';
import type { PlannerOptions } from '../connector/planner.ts';
import { Reporter } from '../connector/reporter.ts';
import { ConsulClient } from '../consul/client.ts';
import { serverUrl } from '../consul/endpoint.ts';
import { insecurityOf } from '../consul/insecurity.ts';
import type { Published } from '../identity/published.ts';
import type { Clock } from '../lib/clock.ts';
import type { Insecurity } from '../lib/insecurity.ts';
import type { LogOutput } from '../lib/log-output.ts';
import { FIELD_MANAGER } from '../publish/annotations.ts';
import { DirectoryPublisher } from '../publish/directory/publisher.ts';
import { KubernetesClient } from '../publish/kubernetes/api/client.ts';
import { Credentials } from '../publish/kubernetes/api/credentials.ts';
import { describeObject } from '../publish/kubernetes/api/errors.ts';
import { podNamespace } from '../publish/kubernetes/api/kubeconfig.ts';
import { KubernetesPublisher } from '../publish/kubernetes/publisher.ts';
import {
  type ObjectNames,
  OPAQUE_SECRET_TYPE,
  serviceManifest,
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

/** The number of consecutive rounds of requests that `check` sends to the API server. */
const CHECK_ROUNDS = 3;

export interface Wiring extends Observed {
  readonly connector: Connector;
}

/**
 * Creates the components from the configuration and logs their settings.
 *
 * @throws PublishError KUBERNETES_CONFIGURATION if no cluster is configured
 */
export async function wire(
  config: Config,
  clock: Clock,
  logger: Logger,
  version: string,
  output: Pick<LogOutput, 'dropped'>,
): Promise<Wiring> {
  const { consul: access, ambassadorId, tlsContext } = config;
  const destination = await destinationOf(config, clock);
  const { target } = destination;
  const metrics = new Metrics(version, () => output.dropped);
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
  const insecurities = [insecurityOf(access), destination.insecurity].filter((found) => found !== undefined);
  for (const insecurity of insecurities) logger.warn(insecurity, 'a connection is not secure');
  const connector = new Connector({
    ...plannerOptions(config, clock),
    consul: new ConsulClient(access, clock),
    waitMs: config.consulWaitMs,
    publisher,
    reporter,
  });
  const { service: consulService } = access;
  const setup = { version, ambassadorId, consulService, consulServers, tlsContext, target, insecurities };
  return { connector, health, metrics, eventLog, setup };
}

/** The target, and the names of the objects. */
type Destination = { readonly insecurity: Insecurity | undefined } & (
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
    }
);

/** @throws PublishError KUBERNETES_CONFIGURATION if no cluster is configured */
async function destinationOf(config: Config, clock: Clock): Promise<Destination> {
  const { outputDirectory: directory } = config;
  if (directory !== undefined) {
    const names = objectNames(config, config.secretNamespace ?? 'default');
    return { kind: 'directory', target: { kind: 'directory', directory }, names, insecurity: undefined };
  }
  const credentials = await Credentials.create(clock);
  const names = objectNames(config, (await podNamespace()) ?? credentials.namespace ?? 'default');
  const target = kubernetesTarget(credentials.server, names, config.serviceEnabled);
  return { kind: 'kubernetes', target, names, credentials, insecurity: credentials.insecurity };
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
    const { directory } = destination.target;
    const { outputFiles: files, outputReload: reload } = config;
    return new DirectoryPublisher({ ...shared, directory, files, reload });
  }
  const { credentials, target } = destination;
  const client = new KubernetesClient({
    credentials,
    clock,
    fieldManager: FIELD_MANAGER,
    onRequest: (verb, resource, outcome) => observer.requested(verb, resource, outcome),
    onWarning: (access, warning) => observer.warned(describeObject(access), warning),
  });
  return new KubernetesPublisher({ ...shared, client, target, observer, instance: hostname() });
}

/** The client and the objects for `check`; all of its rounds fit into `deadlineMs`. */
export async function wireCheck(config: Config, clock: Clock, deadlineMs: number): Promise<KubernetesSide> {
  const credentials = await Credentials.create(clock);
  const names = objectNames(config, (await podNamespace()) ?? credentials.namespace ?? 'default');
  const client = new KubernetesClient({
    credentials,
    clock,
    fieldManager: FIELD_MANAGER,
    onRequest: () => undefined,
    onWarning: () => undefined,
    deadlineMs: Math.floor(deadlineMs / CHECK_ROUNDS),
  });
  const { secret, upstreamCaSecret, service } = kubernetesTarget(client.server, names, config.serviceEnabled);
  const objects: PlannedObject[] = [{ resource: 'secrets', ...secret, type: TLS_SECRET_TYPE }];
  if (upstreamCaSecret !== undefined) {
    objects.push({ resource: 'secrets', ...upstreamCaSecret, type: OPAQUE_SECRET_TYPE });
  }
  const manifest = serviceManifest(names, config.apiVersion);
  if (service !== undefined) objects.push({ resource: 'services', ...service, manifest });
  const { ambassadorId, consul, tlsContext, serviceEnabled } = config;
  const gateway = {
    ambassadorId,
    tlsContext,
    serviceEnabled,
    namespaces: [...new Set(objects.map(({ namespace }) => namespace))],
    labels: manifest.metadata.labels,
    hasToken: consul.token.kind !== 'none',
  };
  return { client, objects, insecurity: credentials.insecurity, gateway };
}

/** Reads what is published now. @throws PublishError */
export async function readPublished(
  config: Config,
  clock: Clock,
  signal: AbortSignal,
): Promise<Published | undefined> {
  const publisher = createPublisher(config, await destinationOf(config, clock), clock, UNOBSERVED);
  try {
    return await publisher.read(signal);
  } finally {
    await publisher.close();
  }
}

/** The components of `render`. */
export async function wireRender(
  config: Config,
  clock: Clock,
): Promise<Pick<RenderOptions, 'planner' | 'consul' | 'clock' | 'publisher' | 'offline'>> {
  const { serviceEnabled, apiVersion } = config;
  return {
    planner: plannerOptions(config, clock),
    consul: config.consul,
    clock,
    publisher: async () => createPublisher(config, await destinationOf(config, clock), clock, UNOBSERVED),
    offline: { names: objectNames(config, (await podNamespace()) ?? 'default'), serviceEnabled, apiVersion },
  };
}

/** For commands that report only their result. */
const UNOBSERVED: PublishObserver = {
  requested: () => undefined,
  warned: () => undefined,
  watching: () => undefined,
  watchFailed: () => undefined,
  adopted: () => undefined,
  rateLimited: () => undefined,
  annotationRemoved: () => undefined,
  confirmed: () => undefined,
  portsRejected: () => undefined,
  eventFailed: () => undefined,
};

function plannerOptions({ consul, trustDomain, upstreamCaSecret }: Config, clock: Clock): PlannerOptions {
  const { service, scope } = consul;
  const verifiesUpstream = upstreamCaSecret !== undefined;
  return { service, scope, trustDomain, verifiesUpstream, clock };
}

/** `home` is the connector's namespace: that of the Service, and of the Secret unless another one is configured. */
function objectNames(config: Config, home: string): ObjectNames {
  const { ambassadorId, annotations, instance, labels, secret, service, tlsContext, upstreamCaSecret } =
    config;
  return {
    ambassadorId,
    instance,
    labels,
    annotations,
    secret,
    upstreamCaSecret,
    secretNamespace: config.secretNamespace ?? home,
    service,
    serviceNamespace: home,
    tlsContext,
    statusPort: config.http.port === 0 ? 8080 : config.http.port,
  };
}
