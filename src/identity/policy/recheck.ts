import type { CertificateAndKey, Lifetime } from '../identity.ts';
import type { TrustBundle } from '../trust-bundle.ts';
import { tryReadCertificates } from '../x509/certificate.ts';
import { RENEWAL_DUE_BELOW, URGENT_BELOW } from './thresholds.ts';
import type { Violation } from './violations.ts';

const RECHECK_VIOLATION_MS = 30_000;
const MAX_RECHECK_MS = 86_400_000;

/** When to decide again about a published identity that nothing else happens to, in milliseconds since the epoch as `at`. */
export function recheckAt(published: Lifetime, violation: Violation | undefined, at: number): number {
  if (violation === undefined) return momentOf(published, RENEWAL_DUE_BELOW);
  if (violation.reason !== 'renewal-due') return recheckUnusableAt(at);
  // A leaf of a year ages for months before Consul renews it: a tenth of what is left, within bounds, is often enough.
  const tenthMs = (published.notAfter - at) / 10;
  const next = at + Math.max(RECHECK_VIOLATION_MS, Math.min(tenthMs, MAX_RECHECK_MS));
  const urgentAt = momentOf(published, URGENT_BELOW);
  return urgentAt > at ? Math.min(next, urgentAt) : next;
}

/** The first moment in which less than `share` of the lifetime is left. */
function momentOf({ leaf, notAfter }: Lifetime, share: number): number {
  return notAfter - share * (notAfter - leaf.notBefore) + 1;
}

/** The same where what is published does not work, or not with the active root. */
export function recheckUnusableAt(at: number): number {
  return at + RECHECK_VIOLATION_MS;
}

/**
 * When the next of all certificates begins or ceases to be valid. A candidate that is refused as not yet valid, because
 * this clock is behind Consul's, is so published in that very moment, and not after the published leaf has expired.
 */
export function nextBoundary(
  materials: readonly (CertificateAndKey | undefined)[],
  bundle: TrustBundle,
  at: number,
): number {
  const served = materials.flatMap((material) =>
    material === undefined ? [] : tryReadCertificates(material.certificatePem),
  );
  const certificates = [...bundle.anchors, ...bundle.intermediates, ...served];
  const boundaries = certificates.flatMap(({ notBefore, notAfter }) => [notBefore, notAfter]);
  return Math.min(bundle.changesAt, ...boundaries.filter((boundary) => boundary > at));
}
