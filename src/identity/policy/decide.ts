import { IdentityError, identityErrorOr } from '../../errors.ts';
import {
  type CertificateAndKey,
  type Identity,
  verifyAnswer,
  type verifyIdentity,
  verifyServed,
} from '../identity.ts';
import type { Content, Published } from '../published.ts';
import type { Scope } from '../spiffe-id.ts';
import type { TrustBundle } from '../trust-bundle.ts';
import { isCanonicalPem } from '../x509/certificate.ts';
import { deferBundleUntil } from './cross-signing.ts';
import { type EffectiveBundle, effectiveBundle } from './effective-bundle.ts';
import { nextBoundary, recheckAt, recheckUnusableAt } from './recheck.ts';
import { findViolations, REASONS, resolves, type Violation } from './violations.ts';

/** Everything a decision is made from: what was read, and the time. */
export interface DecisionInput {
  readonly published: Published | undefined;
  readonly candidate: CertificateAndKey | undefined;
  readonly service: string;
  /** Where the service is requested, as far as that is configured. */
  readonly scope?: Scope | undefined;
  readonly bundle: TrustBundle;
  /** The bundle that this process last saw or put in place as decided; undefined before the first time. */
  readonly settledBundlePem?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /**
   * Defined where Consul has not confirmed its roots since another writer changed the bundle: when to query them again, in
   * milliseconds since the epoch. Until then no published root is removed, nor a leaf of one replaced.
   */
  readonly confirmAfter?: number | undefined;
  /** Defined where the gateway verifies its peers with the bundle: then a change of it, too, reloads the gateway. */
  readonly upstream?: UpstreamVerification | undefined;
}

export interface UpstreamVerification {
  /** When Consul first listed these roots, in milliseconds since the epoch. */
  readonly rootsSince: number;
}

/** Why something is written: one word for metrics, and a sentence for the log, the annotation and the event. */
export interface WriteCause {
  readonly reason: WriteReason;
  readonly detail: string;
}

/** The cause in one line, as logs, annotations and Events have it. */
export function describeCause({ reason, detail }: WriteCause): string {
  return `${reason}: ${detail}`;
}

export const WRITE_REASONS = [...REASONS, 'roots-changed', 'repair'] as const;
export type WriteReason = (typeof WRITE_REASONS)[number];

export type Decision = Replace | Keep | None;

interface Outlook {
  /** Why Consul's leaf must not be published, if so. */
  readonly rejected: IdentityError | undefined;
  /** What is wrong with the published leaf once this decision is carried out. */
  readonly violation: Violation | undefined;
  /** Whether to query Consul's roots again: what is published may be newer. */
  readonly requeryRoots: boolean;
  /** When time alone may change the decision, in milliseconds since the epoch. */
  readonly recheckAt: number;
}

/** Consul's leaf replaces the published one, with the bundle of now. */
export interface Replace extends Outlook {
  readonly kind: 'replace';
  readonly content: Content;
  /** What is wrong with the published leaf, and what Consul's leaf resolves. */
  readonly cause: Violation;
  /** What is published before, where that works. */
  readonly current: Identity | undefined;
  readonly changesBundle: boolean;
}

/** The published leaf and key stay byte for byte. */
export interface Keep extends Outlook {
  readonly kind: 'keep';
  readonly content: Content;
  readonly bundle: BundleDecision;
}

export type BundleDecision =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'update'; readonly cause: WriteCause }
  /** New roots are published together with the new leaf, or at `until`, in milliseconds since the epoch. */
  | { readonly kind: 'defer'; readonly until: number };

/** Neither what is published nor Consul's leaf works, so whatever is published stays as it is. */
export interface None extends Outlook {
  readonly kind: 'none';
  readonly violation: Violation;
}

/** Why the target is written, if it turns out to differ from what was decided. */
export function causeOf(decision: Replace | Keep): WriteCause {
  if (decision.kind === 'replace') return decision.cause;
  if (decision.bundle.kind === 'update') return decision.bundle.cause;
  return { reason: 'repair', detail: 'labels or annotations were modified' };
}

const ANYWHERE: Scope = { partition: undefined, namespace: undefined, datacenter: undefined };

/**
 * Rule 2, write only when necessary: the leaf is replaced only where it has a violation that the candidate resolves. A
 * change of roots alone replaces the bundle and keeps leaf and key byte for byte.
 * Pure: the same input gives the same decision, and deciding again on its result decides to write nothing.
 */
export function decide(input: DecisionInput): Decision {
  const { published, candidate, bundle, at, confirmAfter } = input;
  const judge = (by: TrustBundle) => assess(published, { ...input, bundle: by }, verifyServed);
  const effective = effectiveBundle(published, bundle, confirmAfter, at, judge);
  const decision = decideWith(input, effective, judge(effective.bundle));
  const boundary = nextBoundary([published, candidate], bundle, at);
  const confirmAt = effective.unconfirmed?.recheckAt ?? Number.POSITIVE_INFINITY;
  return { ...decision, recheckAt: Math.min(decision.recheckAt, boundary, confirmAt) };
}

function decideWith(
  input: DecisionInput,
  effective: EffectiveBundle,
  current: Identity | IdentityError | undefined,
): Decision {
  const { published, at, scope = ANYWHERE } = input;
  const { unconfirmed } = effective;
  const candidate = assess(input.candidate, input, (material, service, bundle, now) =>
    verifyAnswer(material, service, scope, bundle, now),
  );
  const rejected = candidate instanceof IdentityError ? candidate : undefined;
  const usable = candidate instanceof IdentityError ? undefined : candidate;
  const works = current instanceof IdentityError ? undefined : current;
  const requeryRoots = unconfirmed?.requeryRoots ?? false;
  const [violation, ...lesser] = findViolations(current, effective.bundle, scope, at);

  const cause = [violation, ...lesser].find(
    (found) => found !== undefined && usable !== undefined && resolves(usable, current, found, at),
  );
  if (usable !== undefined && cause !== undefined && unconfirmed?.isOtherTrustDomain !== true) {
    const [remaining] = findViolations(usable, effective.bundle, scope, at);
    return {
      kind: 'replace',
      content: {
        identity: usable,
        tlsCrt: usable.tlsCrt,
        tlsKey: usable.tlsKey,
        caCrt: effective.bundle.pem,
      },
      cause,
      current: works,
      changesBundle: !isBundlePublished(input, effective.bundle.pem),
      rejected,
      violation: remaining,
      requeryRoots,
      recheckAt: recheckAt(usable.leaf, remaining, at),
    };
  }
  if (published === undefined || works === undefined) {
    return {
      kind: 'none',
      rejected,
      violation: violation ?? { reason: 'missing', detail: 'no identity was published' },
      requeryRoots,
      recheckAt: recheckUnusableAt(at),
    };
  }
  const bundleDecision = decideBundle(input, effective.pem, violation);
  const isDeferred = bundleDecision.kind === 'defer';
  return {
    kind: 'keep',
    content: {
      identity: works,
      tlsCrt: published.certificatePem,
      tlsKey: published.privateKeyPem,
      caCrt: isDeferred ? (published.caPem ?? effective.pem) : effective.pem,
    },
    bundle: bundleDecision,
    rejected,
    violation,
    requeryRoots,
    recheckAt: Math.min(
      recheckAt(works.leaf, violation, at),
      isDeferred ? bundleDecision.until : Number.POSITIVE_INFINITY,
    ),
  };
}

function decideBundle(
  input: DecisionInput,
  wantedPem: string,
  violation: Violation | undefined,
): BundleDecision {
  if (isBundlePublished(input, wantedPem)) return { kind: 'unchanged' };
  const until = violation?.reason === 'inactive-root' ? deferralOf(input) : undefined;
  if (until !== undefined) return { kind: 'defer', until };
  return { kind: 'update', cause: causeOfUpdate(input, wantedPem) };
}

/** Where the roots are as they were, or the text is none that a connector writes, another writer modified the bundle. */
function causeOfUpdate({ published, settledBundlePem }: DecisionInput, wantedPem: string): WriteCause {
  const caPem = published?.caPem ?? '';
  const isRepair = settledBundlePem === wantedPem || caPem === wantedPem || !isCanonicalPem(caPem);
  return isRepair
    ? { reason: 'repair', detail: 'the trust bundle was modified or removed' }
    : { reason: 'roots-changed', detail: 'the list of roots changed' };
}

function isBundlePublished({ published, upstream }: DecisionInput, caCrt: string): boolean {
  if (published?.caPem !== caCrt) return false;
  return upstream === undefined || published.upstreamCaPem === caCrt;
}

/** Until when new roots wait; only where both places hold the same bundle, so that nothing else waits with them. */
function deferralOf({ published, bundle, upstream, at }: DecisionInput): number | undefined {
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
