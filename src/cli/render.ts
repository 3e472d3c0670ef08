import { Document } from 'yaml';
import { Planner, type PlannerOptions } from '../connector/planner.ts';
import { queryOnce } from '../connector/query-once.ts';
import { ConsulClient } from '../consul/client.ts';
import type { ConsulAccess } from '../consul/endpoint.ts';
import { IdentityError, PublishError, type PublishErrorCode } from '../errors.ts';
import { causeOf, describeCause } from '../identity/policy/decision.ts';
import type { Published } from '../identity/published.ts';
import type { Clock } from '../lib/clock.ts';
import {
  type Manifests,
  type ObjectNames,
  type SecretManifest,
  secretManifests,
  serviceManifest,
} from '../publish/manifests.ts';
import type { Preview, Publication } from '../publish/publisher.ts';
import { preserveWriteRecord, withAnnotations } from '../publish/write-record.ts';

export interface RenderOptions {
  readonly consul: ConsulAccess;
  readonly clock: Clock;
  readonly planner: PlannerOptions;
  /** Reads what is already published, on which the manifests depend. @throws PublishError if no target can be reached */
  readonly publisher: () => Promise<Preview>;
  /** The settings for manifests without a cluster. */
  readonly offline: OfflineOptions;
  readonly showKey: boolean;
  /** Prints a note that is not part of the manifests. */
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface OfflineOptions {
  readonly names: ObjectNames;
  readonly serviceEnabled: boolean;
  /** Of the TLSContext. */
  readonly apiVersion: string;
}

const DEADLINE_MS = 10_000;
const LOGOUT_DEADLINE_MS = 1_000;
/** With these there is no cluster to query. All other errors are errors of `render` too. */
const NO_CLUSTER: readonly PublishErrorCode[] = ['KUBERNETES_CONFIGURATION', 'KUBERNETES_UNREACHABLE'];
/** A fixed text in place of the time of the write, so that every run prints the same. */
const NOT_YET = 'when it is applied';
const REDACTED = Buffer.from('redacted: see it with render --show-key\n').toString('base64');
const WARNING =
  ' tls.key is redacted: use this only for --dry-run and diff. Applying it would break the identity.';

/**
 * The manifests as they would be applied now, as YAML; nothing is written.
 *
 * @throws ConsulError, IdentityError or PublishError with the reason that nothing can be published
 */
export async function render(options: RenderOptions): Promise<string> {
  const { consul: access, clock, showKey, signal } = options;
  const consul = new ConsulClient(access, clock);
  try {
    const planner = new Planner(options.planner);
    await queryOnce(consul.connect(), access.service, planner, DEADLINE_MS, signal);
    const { upstreamCa, secret, service } = await manifestsOf(options, planner);
    return [
      ...(upstreamCa === undefined ? [] : [yaml(upstreamCa)]),
      secretYaml(secret, showKey),
      ...(service === undefined ? [] : [yaml(service)]),
    ].join('---\n');
  } finally {
    await consul.close(LOGOUT_DEADLINE_MS);
  }
}

async function manifestsOf(
  { publisher: createPublisher, offline, note, signal }: RenderOptions,
  planner: Planner,
): Promise<Manifests> {
  let publisher: Preview | undefined;
  try {
    publisher = await createPublisher();
    const published = await publisher.read(signal);
    return await publisher.manifests(publicationOf(planner, published), NOT_YET, signal);
  } catch (error) {
    if (!(error instanceof PublishError && NO_CLUSTER.includes(error.code))) throw error;
    note(`no cluster was queried (${error.message}): rendering as if nothing were published yet`);
    return offlineManifests(offline, publicationOf(planner, undefined));
  } finally {
    await publisher?.close();
  }
}

/** @throws IdentityError with the reason that nothing can be published */
function publicationOf(planner: Planner, published: Published | undefined): Publication {
  const plan = planner.plan(published);
  if (plan.rootsRejected !== undefined) throw plan.rootsRejected;
  const decision = plan.kind === 'planned' ? plan.decision : undefined;
  if (decision?.kind === 'replace' || decision?.kind === 'keep') {
    return { content: decision.content, cause: causeOf(decision) };
  }
  throw decision?.rejected ?? new IdentityError('NO_CERTIFICATE', 'there is nothing to publish');
}

function offlineManifests(
  { names, serviceEnabled, apiVersion }: OfflineOptions,
  { content, cause }: Publication,
): Manifests {
  const { upstreamCa, secret } = secretManifests(names, content);
  const record = { at: NOT_YET, reason: describeCause(cause) };
  const annotations = preserveWriteRecord(undefined, false, record);
  return {
    upstreamCa: upstreamCa && withAnnotations(upstreamCa, annotations),
    secret: withAnnotations(secret, annotations),
    service: serviceEnabled ? serviceManifest(names, apiVersion) : undefined,
  };
}

/** A Secret of type kubernetes.io/tls must have a tls.key; the API server does not parse it. */
function secretYaml(secret: SecretManifest, showKey: boolean): string {
  if (showKey) return yaml(secret);
  return yaml({ ...secret, data: { ...secret.data, 'tls.key': REDACTED } }, WARNING);
}

function yaml(manifest: object, comment?: string): string {
  const document = new Document(manifest);
  if (comment !== undefined) document.commentBefore = comment;
  return document.toString({ lineWidth: 0 });
}
