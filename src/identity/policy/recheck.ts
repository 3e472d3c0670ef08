import type { CertificateAndKey, Lifetime } from '../identity.ts';
import type { TrustBundle } from '../trust-bundle.ts';
import { tryReadCertificates } from '../x509/certificate.ts';
import { RENEWAL_DUE_BELOW, URGENT_BELOW } from './thresholds.ts';
import type { Violation } from './violations.ts';

const RECHECK_VIOLATION_MS = 30_000;
const MAX_RECHECK_MS = 86_400_000;

/** When to decide again about a published identity without other events, in milliseconds since the epoch, like `at`. */
export function recheckAt(published: Lifetime, violation: Violation | undefined, at: number): number {
  if (violation === undefined) return momentOf(published, RENEWAL_DUE_BELOW);
  if (violation.reason !== 'renewal-due') return recheckUnusableAt(at);
  // A leaf with a TTL of a year is due for months before Consul renews it: a tenth of the remaining time, within bounds, suffices.
  const tenthMs = (published.notAfter - at) / 10;
  const next = at + Math.max(RECHECK_VIOLATION_MS, Math.min(tenthMs, MAX_RECHECK_MS));
  const urgentAt = momentOf(published, URGENT_BELOW);
  return urgentAt > at ? Math.min(next, urgentAt) : next;
}

/** The first moment at which less than `share` of the lifetime is left. */
function momentOf({ leaf, notAfter }: Lifetime, share: number): number {
  return notAfter - share * (notAfter - leaf.notBefore) + 1;
}

/** The same for a published identity that is invalid, or does not chain to the active root. */
export function recheckUnusableAt(at: number): number {
  return at + RECHECK_VIOLATION_MS;
}

/**
 * When the validity of any certificate next begins or ends. A candidate that is not valid yet, because this clock is behind
 * Consul's, is thus published at that moment, and not only after the published leaf has expired.
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
