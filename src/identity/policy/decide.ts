import { IdentityError, identityErrorOr } from '../../errors.ts';
import { type CertificateAndKey, type Identity, verifyIdentity, verifyServed } from '../identity.ts';
import type { Scope } from '../spiffe-id.ts';
import type { TrustBundle } from '../trust-bundle.ts';
import { deferBundleUntil } from './cross-signing.ts';
import { type OtherRoots, otherRoots } from './effective-bundle.ts';
import { nextBoundary, recheckAt, recheckUselessAt } from './recheck.ts';
import { findViolations, type Reason, resolves, type Violation } from './violations.ts';

/** What the place of publication holds now. */
export interface Published extends CertificateAndKey {
  readonly caPem: string | undefined;
  /** The bundle a gateway verifies its peers by, in a place of its own; only where that is asked for. */
  readonly upstreamCaPem?: string | undefined;
}

/** What the Secret is to hold, each part as text. */
export interface Content {
  readonly identity: Identity;
  readonly tlsCrt: string;
  readonly tlsKey: string;
  readonly caCrt: string;
}

export interface Decision {
  /** Undefined: nothing that works exists, so whatever is published stays as it is. */
  readonly content: Content | undefined;
  /** What is published before this decision is carried out, where that works. */
  readonly current: Identity | undefined;
  readonly writesLeaf: boolean;
  readonly writesBundle: boolean;
  /** Why something is written, in one word for metrics; undefined where nothing is. */
  readonly cause: Reason | 'roots' | undefined;
  /** Why, for the log line, the annotation and the event. */
  readonly reason: string;
  /** What still condemns the published leaf after this decision. */
  readonly condemned: Violation | undefined;
  /** Why Consul's leaf must not be published, if so. */
  readonly refused: IdentityError | undefined;
  /** Whether Consul is to be asked again about its roots: what is published may know more of them. */
  readonly requeryRoots: boolean;
  /** Until when new roots wait for the new leaf, in milliseconds since the epoch; undefined where none wait. */
  readonly bundleDeferredUntil: number | undefined;
  /** When time alone may change the decision, in milliseconds since the epoch. */
  readonly recheckAt: number;
}

/** What a decision is made from: everything read, and the time. */
export interface DecisionInput {
  readonly published: Published | undefined;
  readonly candidate: CertificateAndKey | undefined;
  readonly service: string;
  /** Where the service was asked for, if that was said. */
  readonly scope?: Scope | undefined;
  readonly bundle: TrustBundle;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /**
   * Set where Consul was not heard about its roots since somebody else changed what is published: from when on it is
   * worth asking, in milliseconds since the epoch. Till it answers no published root is dropped, nor a leaf of one replaced.
   */
  readonly confirmAfter?: number | undefined;
  /** Set where the gateway verifies its peers by the bundle: then a change of it, too, reloads the gateway. */
  readonly upstream?: UpstreamVerification | undefined;
}

export interface UpstreamVerification {
  /** When Consul was first heard to list these roots, in milliseconds since the epoch. */
  readonly rootsSince: number;
}

/**
 * Rule 2, write as seldom as possible: the leaf is replaced only where it is condemned on some count and the candidate
 * is better on that very count. A change of roots alone replaces the bundle and keeps leaf and key byte for byte.
 * Pure: the same situation gives the same decision, and deciding again on its result decides to write nothing.
 */
export function decide(situation: DecisionInput): Decision {
  const { published, candidate, bundle, at } = situation;
  const doubted = doubtOf(situation);
  const decision = decideNow(situation, doubted);
  const boundary = nextBoundary([published, candidate], bundle, at);
  const recheckAt = Math.min(decision.recheckAt, boundary, doubted?.recheckAt ?? Number.POSITIVE_INFINITY);
  return { ...decision, requeryRoots: doubted?.requeryRoots ?? false, recheckAt };
}

const ANYWHERE: Scope = { partition: undefined, namespace: undefined, datacenter: undefined };

/** Roots are published that the bundle lacks, and perhaps only for want of asking Consul. */
interface Doubted extends OtherRoots {
  /** As after Consul has begun anew, which another replica may have heard first. */
  readonly isOfOtherTrustDomain: boolean;
  readonly requeryRoots: boolean;
  readonly recheckAt: number;
}

/** Only where what is published works by its own roots: no replica publishes anything else. */
function doubtOf(situation: DecisionInput): Doubted | undefined {
  const { published, bundle, at, confirmAfter } = situation;
  if (published === undefined || confirmAfter === undefined) return undefined;
  for (const caPem of [published.upstreamCaPem, published.caPem]) {
    const others = otherRoots(caPem, bundle, at);
    if (others === undefined) continue;
    const judged = assess(published, { ...situation, bundle: others.published }, verifyServed);
    const isOfOtherTrustDomain = judged instanceof IdentityError && judged.code === 'WRONG_TRUST_DOMAIN';
    if (judged instanceof IdentityError && !isOfOtherTrustDomain) continue;
    const requeryRoots = at >= confirmAfter;
    const askAt = requeryRoots ? recheckUselessAt(at) : confirmAfter;
    return { ...others, isOfOtherTrustDomain, requeryRoots, recheckAt: askAt };
  }
  return undefined;
}

function decideNow(situation: DecisionInput, doubted: Doubted | undefined): Omit<Decision, 'requeryRoots'> {
  const { published, at, scope = ANYWHERE } = situation;
  const bundle = doubted?.both ?? situation.bundle;
  const caCrt = doubted?.published.pem ?? bundle.pem;
  const current = assess(published, { ...situation, bundle }, verifyServed);
  const candidate = assess(situation.candidate, situation, verifyIdentity);
  const violations = findViolations(current, bundle, scope, at);
  const [condemned] = violations;
  const refused = candidate instanceof IdentityError ? candidate : undefined;
  const usable = candidate instanceof IdentityError ? undefined : candidate;
  const works = current instanceof IdentityError ? undefined : current;
  const isBundleNew = !isBundlePublished(situation, caCrt);
  const mayBeNewer = doubted?.isOfOtherTrustDomain === true;

  const cured = violations.find(
    ({ reason }) => usable !== undefined && resolves(usable, current, reason, scope, at),
  );
  if (usable !== undefined && cured !== undefined && !mayBeNewer) {
    const [after] = findViolations(usable, bundle, scope, at);
    return {
      content: { identity: usable, tlsCrt: usable.tlsCrt, tlsKey: usable.tlsKey, caCrt: bundle.pem },
      current: works,
      writesLeaf: true,
      writesBundle: !isBundlePublished(situation, bundle.pem),
      cause: cured.reason,
      reason: `${cured.reason}: ${cured.detail}`,
      condemned: after,
      refused,
      bundleDeferredUntil: undefined,
      recheckAt: recheckAt(usable.leaf, after, at),
    };
  }
  if (published === undefined || works === undefined) {
    return {
      content: undefined,
      current: undefined,
      writesLeaf: false,
      writesBundle: false,
      cause: undefined,
      reason: refused === undefined ? 'nothing to publish yet' : `refused: ${refused.message}`,
      condemned,
      refused,
      bundleDeferredUntil: undefined,
      recheckAt: recheckUselessAt(at),
    };
  }
  const bundleDeferredUntil =
    isBundleNew && condemned?.reason === 'inactive-root' ? holdOf(situation) : undefined;
  const writesBundle = isBundleNew && bundleDeferredUntil === undefined;
  return {
    content: {
      identity: works,
      tlsCrt: published.certificatePem,
      tlsKey: published.privateKeyPem,
      caCrt: bundleDeferredUntil === undefined ? caCrt : (published.caPem ?? caCrt),
    },
    current: works,
    writesLeaf: false,
    writesBundle,
    cause: writesBundle ? 'roots' : undefined,
    reason: writesBundle ? 'roots: the list of roots changed' : 'the published identity is good',
    condemned,
    refused,
    bundleDeferredUntil,
    recheckAt: Math.min(
      recheckAt(works.leaf, condemned, at),
      bundleDeferredUntil ?? Number.POSITIVE_INFINITY,
    ),
  };
}

function isBundlePublished({ published, upstream }: DecisionInput, caCrt: string): boolean {
  if (published?.caPem !== caCrt) return false;
  return upstream === undefined || published.upstreamCaPem === caCrt;
}

/** Until when the new roots wait; only where both places hold the same bundle, so that nothing else waits with them. */
function holdOf({ published, bundle, upstream, at }: DecisionInput): number | undefined {
  const trusted = published?.upstreamCaPem;
  if (upstream === undefined || trusted === undefined || trusted !== published?.caPem) return undefined;
  return deferBundleUntil(trusted, bundle, upstream.rootsSince, at);
}

function assess(
  material: CertificateAndKey | undefined,
  { service, bundle, at }: DecisionInput,
  verify: typeof verifyIdentity,
): Identity | IdentityError | undefined {
  if (material === undefined) return undefined;
  return identityErrorOr(() => verify(material, service, bundle, at));
}
