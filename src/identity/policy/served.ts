import { IdentityError, identityErrorOr } from '../../errors.ts';
import { type CertificateAndKey, type Identity, verifyServed } from '../identity.ts';
import { MAX_CLOCK_LAG_MS, type TrustBundle } from '../trust-bundle.ts';
import { tryReadCertificates } from '../x509/certificate.ts';

/**
 * `verifyServed`, with the error as a result. A certificate that is not valid yet by this clock was published by a replica whose
 * clock is ahead, and is verified at the beginning of its validity: restoring the previous leaf would take the newer one from
 * the gateway only because our clock is behind.
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
