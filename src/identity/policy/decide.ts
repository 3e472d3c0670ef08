import { IdentityError } from '../../errors.ts';
import type { Identity } from '../identity.ts';
import type { Published } from '../published.ts';
import { ANYWHERE, trySpiffeIdOf } from '../spiffe-id.ts';
import type { TrustBundle } from '../trust-bundle.ts';
import { isCanonicalPem, tryReadCertificates } from '../x509/certificate.ts';
import { assessCandidate, bundlesOf, keepAll, keepLeaf } from './content.ts';
import { deferBundleUntil } from './cross-signing.ts';
import type { BundleDecision, Decision, DecisionInput, Keep, None, WriteCause } from './decision.ts';
import { hold } from './hold.ts';
import { nextBoundary, recheckAt, recheckUnusableAt } from './recheck.ts';
import { judgeServed } from './served.ts';
import { bundleOfPublished, findUnconfirmed, holdsBundle } from './unconfirmed.ts';
import { findViolations, NOT_PUBLISHED, resolves, type Violation } from './violations.ts';

/**
 * Rule 2, write only when necessary: the leaf is replaced only if it has a violation that the candidate resolves. A change of
 * roots alone replaces the bundle and keeps leaf and key byte for byte. A valid identity is not changed while another writer may
 * have published it with newer roots than those in Consul's answer.
 * Pure: the same input gives the same decision, and deciding again on its result decides to write nothing.
 */
export function decide(input: DecisionInput): Decision {
  const { published, candidate, bundle, service, at } = input;
  const judge: Judge | undefined =
    published === undefined ? undefined : (by) => judgeServed(published, service, by, at);
  const decision = holdUnconfirmed(input, judge) ?? decideWith(input, judge);
  const boundary = nextBoundary([published, candidate], bundle, at);
  return { ...decision, recheckAt: Math.min(decision.recheckAt, boundary) };
}

/** Verifies the published identity with a bundle. */
type Judge = (by: TrustBundle) => Identity | IdentityError;

function holdUnconfirmed(input: DecisionInput, judge: Judge | undefined): Decision | undefined {
  const { published, confirmAfter } = input;
  if (published === undefined || judge === undefined || confirmAfter === undefined) return undefined;
  const unconfirmed = findUnconfirmed(input, published, judge);
  return unconfirmed && hold(input, published, unconfirmed, confirmAfter);
}

function decideWith(input: DecisionInput, judge: Judge | undefined): Decision {
  const { published, bundle, at, scope = ANYWHERE } = input;
  const current = judge?.(bundle);
  const candidate = assessCandidate(input, bundle);
  const rejected = candidate instanceof IdentityError ? candidate : undefined;
  const usable = candidate instanceof IdentityError ? undefined : candidate;
  const works = current instanceof IdentityError ? undefined : current;
  const [violation, ...lesser] = findViolations(current, bundle, scope, at);
  const outlook = { rejected, requeryRoots: false };

  const cause = [violation, ...lesser, foreignLeafIn(input)].find(
    (found) => found !== undefined && usable !== undefined && resolves(usable, current, found, at),
  );
  if (usable !== undefined && cause !== undefined) {
    const kept = published !== undefined && isBundlePublished(input) ? bundlesOf(published) : undefined;
    const [remaining] = findViolations(usable, bundle, scope, at);
    return {
      kind: 'replace',
      ...outlook,
      content: {
        identity: usable,
        tlsCrt: usable.tlsCrt,
        tlsKey: usable.tlsKey,
        ...(kept ?? { caCrt: bundle.pem }),
      },
      cause,
      current: works,
      bundle: kept === undefined ? 'updated' : 'unchanged',
      formerTrustDomain: formerTrustDomain(published, bundle),
      violation: remaining,
      recheckAt: recheckAt(usable, remaining, at),
    };
  }
  if (published === undefined || works === undefined) {
    return decideBroken(input, judge, rejected, violation ?? NOT_PUBLISHED);
  }
  const bundleDecision = decideBundle(input, violation);
  const isWritten = bundleDecision.kind === 'update';
  return {
    kind: 'keep',
    ...outlook,
    content: isWritten ? keepLeaf(published, works, bundle.pem) : keepAll(published, works),
    bundle: bundleDecision,
    violation,
    recheckAt: Math.min(
      recheckAt(works, violation, at),
      bundleDecision.kind === 'defer' ? bundleDecision.until : Number.POSITIVE_INFINITY,
    ),
  };
}

/** It is replaced only if Consul has a leaf with a later expiry. */
function foreignLeafIn({ foreignLeaf }: DecisionInput): Violation | undefined {
  if (foreignLeaf === undefined) return undefined;
  const detail = `another writer published the leaf with the serial number ${foreignLeaf}`;
  return { reason: 'foreign-leaf', detail };
}

/** Undefined if it is the same, or unknown. */
function formerTrustDomain(
  published: Published | undefined,
  { trustDomain }: TrustBundle,
): string | undefined {
  const former = trySpiffeIdOf(tryReadCertificates(published?.certificatePem ?? '')[0]);
  return former?.trustDomain === trustDomain ? undefined : former?.trustDomain;
}

/**
 * Neither the published identity nor Consul's leaf is valid. If Consul has removed the root of the published leaf, the bundle is
 * updated nevertheless: a removed root must not stay trusted until Consul signs a new leaf.
 */
function decideBroken(
  input: DecisionInput,
  judge: Judge | undefined,
  rejected: IdentityError | undefined,
  violation: Violation,
): Keep | None {
  const { published, bundle, at } = input;
  const outlook = { rejected, violation, requeryRoots: false, recheckAt: recheckUnusableAt(at) };
  const { caPem } = published ?? {};
  if (published !== undefined && caPem !== undefined && !isBundlePublished(input)) {
    const identity = judge?.(bundleOfPublished(caPem, bundle, at));
    if (identity !== undefined && !(identity instanceof IdentityError)) {
      const cause = causeOfUpdate(input);
      const content = keepLeaf(published, identity, bundle.pem);
      return { kind: 'keep', ...outlook, content, bundle: { kind: 'update', cause } };
    }
  }
  return { kind: 'none', ...outlook };
}

function decideBundle(input: DecisionInput, violation: Violation | undefined): BundleDecision {
  if (isBundlePublished(input)) return { kind: 'unchanged' };
  const until = violation?.reason === 'inactive-root' ? deferralOf(input) : undefined;
  if (until !== undefined) return { kind: 'defer', until };
  return { kind: 'update', cause: causeOfUpdate(input) };
}

/** If the roots are unchanged, or the text is not in the connector's form, another writer has modified the bundle. */
function causeOfUpdate({ published, bundle, settledBundlePem }: DecisionInput): WriteCause {
  const caPem = published?.caPem ?? '';
  const isRepair = settledBundlePem === bundle.pem || caPem === bundle.pem || !isCanonicalPem(caPem);
  return isRepair
    ? { reason: 'repair', detail: 'the trust bundle was modified or removed' }
    : { reason: 'roots-changed', detail: 'the list of roots changed' };
}

function isBundlePublished({ published, bundle, upstream }: DecisionInput): boolean {
  return holdsBundle(published, bundle, upstream !== undefined);
}

/** Until when new roots wait; only if both objects have the same bundle, so that no other change waits with them. */
function deferralOf({ published, bundle, upstream, at }: DecisionInput): number | undefined {
  const trusted = published?.upstreamCaPem;
  if (upstream === undefined || trusted === undefined || trusted !== published?.caPem) return undefined;
  return deferBundleUntil(trusted, bundle, upstream.rootsSince, at);
}
