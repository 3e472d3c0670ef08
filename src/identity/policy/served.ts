import { IdentityError, identityErrorOr } from '../../errors.ts';
import { type CertificateAndKey, type Identity, verifyServed } from '../identity.ts';
import { MAX_CLOCK_LAG_MS, type TrustBundle } from '../trust-bundle.ts';
import { tryReadCertificates } from '../x509/certificate.ts';

/**
 * Whether what is published works, as `verifyServed`. What is not valid yet by this clock was published by somebody whose
 * clock is ahead, and is judged at the moment in which it becomes valid: to put back what was there before would take
 * the gateway the newer leaf for a fault of ours.
 *
 * @param at milliseconds since the epoch
 */
export function judgeServed(
  published: CertificateAndKey,
  service: string,
  bundle: TrustBundle,
  at: number,
): Identity | IdentityError {
  const verdict = identityErrorOr(() => verifyServed(published, service, bundle, at));
  if (!(verdict instanceof IdentityError)) return verdict;
  const beginnings = [...tryReadCertificates(published.certificatePem), ...bundle.anchors]
    .map(({ notBefore }) => notBefore)
    .filter((notBefore) => notBefore > at && notBefore <= at + MAX_CLOCK_LAG_MS);
  if (beginnings.length === 0) return verdict;
  const later = identityErrorOr(() => verifyServed(published, service, bundle, Math.max(...beginnings)));
  return later instanceof IdentityError ? verdict : later;
}
