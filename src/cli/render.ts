import { Document } from 'yaml';
import { ConsulClient } from '../consul/client.ts';
import { fetchOnce } from '../consul/connect-ca.ts';
import type { ConsulAccess } from '../consul/endpoint.ts';
import { IdentityError, PublishError, type PublishErrorCode } from '../errors.ts';
import { type Content, type Decision, decide, type Published } from '../identity/policy/decide.ts';
import { buildTrustBundle } from '../identity/trust-bundle.ts';
import type { Clock } from '../lib/clock.ts';
import type { Manifests, SecretManifest, WriteRecord } from '../publish/manifests.ts';
import type { Preview } from '../publish/publisher.ts';

export interface RenderOptions {
  readonly consul: ConsulAccess;
  /** Whether the gateway verifies its peers: then the roots are published a second time. */
  readonly verifiesUpstream: boolean;
  readonly clock: Clock;
  /** Where it would be published: what is there already is part of the answer. @throws PublishError when there is no way */
  readonly publisher: () => Preview;
  /** The manifests where no cluster can be asked. */
  readonly unasked: (content: Content, occasion: WriteRecord) => Manifests;
  readonly showKey: boolean;
  /** What a person should know beside the manifests. */
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

const DEADLINE_MS = 10_000;
const LOGOUT_DEADLINE_MS = 1_000;
/** With these there is no cluster to ask. All others are as wrong for `render` as for the daemon. */
const NO_CLUSTER: readonly PublishErrorCode[] = ['KUBERNETES_CONFIGURATION', 'KUBERNETES_UNREACHABLE'];
/** Stands for the time of a write that does not take place, so that every run prints the same. */
const NOT_YET = 'when it is applied';
const REDACTED = Buffer.from('redacted: see it with render --show-key\n').toString('base64');
const WARNING =
  ' tls.key is redacted: for --dry-run and for diffing. Applied for real it would break the identity.';

/**
 * The manifests as they would be applied now, as YAML; nothing is written.
 *
 * @throws ConsulError, IdentityError or PublishError: why there is nothing to publish
 */
export async function render(options: RenderOptions): Promise<string> {
  const { consul: access, clock, showKey, signal, verifiesUpstream } = options;
  const consul = new ConsulClient(access, clock);
  try {
    const { roots, leaf: candidate } = await fetchOnce(consul.connect(), access.service, DEADLINE_MS, signal);
    const at = clock.now();
    const bundle = buildTrustBundle(roots, at);
    // As a daemon that starts now: it hears of these roots for the first time.
    const upstream = verifiesUpstream ? { rootsSince: at } : undefined;
    const { upstreamCa, secret, service } = await plan(options, (published) =>
      decide({ published, candidate, service: access.service, scope: access.scope, bundle, at, upstream }),
    );
    return [
      ...(upstreamCa === undefined ? [] : [yaml(upstreamCa)]),
      secretYaml(secret, showKey),
      ...(service === undefined ? [] : [yaml(service)]),
    ].join('---\n');
  } finally {
    await consul.close(LOGOUT_DEADLINE_MS);
  }
}

async function plan(
  { publisher: makePublisher, unasked, note, signal }: RenderOptions,
  decideOn: (published: Published | undefined) => Decision,
): Promise<Manifests> {
  let publisher: Preview | undefined;
  try {
    publisher = makePublisher();
    const decision = decideOn(await publisher.read(signal));
    return await publisher.manifests({ content: contentOf(decision), decision }, NOT_YET, signal);
  } catch (error) {
    if (!(error instanceof PublishError && NO_CLUSTER.includes(error.code))) throw error;
    const decision = decideOn(undefined);
    const manifests = unasked(contentOf(decision), { at: NOT_YET, reason: decision.reason });
    note(`no cluster was asked (${error.message}): as if nothing were published yet${assumed(manifests)}`);
    return manifests;
  } finally {
    await publisher?.close();
  }
}

function contentOf({ content, refused }: Decision): Content {
  if (content !== undefined) return content;
  throw refused ?? new IdentityError('NO_CERTIFICATE', 'there is nothing to publish');
}

function assumed({ service }: Manifests): string {
  const annotations = Object.values(service?.metadata.annotations ?? {}).join();
  const version = /apiVersion: (\S+)/.exec(annotations)?.[1];
  return version === undefined ? '' : `; apiVersion ${version} is assumed for the TLSContext`;
}

/** A Secret of type kubernetes.io/tls must have a tls.key; what is in it no API server reads. */
function secretYaml(secret: SecretManifest, showKey: boolean): string {
  if (showKey) return yaml(secret);
  return yaml({ ...secret, data: { ...secret.data, 'tls.key': REDACTED } }, WARNING);
}

function yaml(manifest: object, comment?: string): string {
  const document = new Document(manifest);
  if (comment !== undefined) document.commentBefore = comment;
  return document.toString({ lineWidth: 0 });
}
