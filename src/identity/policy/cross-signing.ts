import type { TrustBundle } from '../trust-bundle.ts';
import {
  type Certificate,
  isSelfSigned,
  isSignedBy,
  isValidAt,
  tryReadCertificates,
} from '../x509/certificate.ts';

/** Consul delays the new leaf by up to 30 s after a rotation, longer if it limits the rate of CSRs. */
export const MAX_BUNDLE_DEFERRAL_MS = 60_000;

/**
 * Until when (milliseconds since the epoch) the bundle may wait for the new leaf, so that a rotation reloads a gateway that
 * verifies its peers once instead of twice; undefined if it must be published now.
 *
 * It may wait while each unpublished root is cross-signed by a published one, and both are valid until the wait ends: peers then
 * send the cross-signed certificate with their new leaves (RFC 5280 section 3.2), which the gateway verifies with the old root.
 * `since` is when Consul first listed these roots.
 */
export function deferBundleUntil(
  publishedPem: string,
  bundle: TrustBundle,
  since: number,
  at: number,
): number | undefined {
  const until = since + MAX_BUNDLE_DEFERRAL_MS;
  if (at >= until) return undefined;
  const published = tryReadCertificates(publishedPem);
  const known = new Set(published.map(({ fingerprint }) => fingerprint));
  const added = bundle.anchors.filter(({ fingerprint }) => !known.has(fingerprint));
  const lasts = (certificate: Certificate) =>
    isUnlimitedCa(certificate) && isValidAt(certificate, at) && isValidAt(certificate, until);
  const trusted = published.filter(lasts);
  const isCrossSigned = (anchor: Certificate): boolean =>
    bundle.intermediates.some(
      (cross) =>
        isCrossCertificateOf(cross, anchor) &&
        cross.weakSignature === undefined &&
        lasts(cross) &&
        trusted.some((root) => isSignedBy(cross, root)),
    );
  return added.length > 0 && added.every(isCrossSigned) ? until : undefined;
}

/** Whether `cross` can replace `anchor` in any chain: same key, subject and key identifier. */
function isCrossCertificateOf(cross: Certificate, anchor: Certificate): boolean {
  return (
    cross.publicKey === anchor.publicKey &&
    cross.subject === anchor.subject &&
    cross.subjectKeyId === anchor.subjectKeyId
  );
}

/** The peers' chains and names are unknown: a path length could be too short for them, and a name constraint could exclude them. */
function isUnlimitedCa(certificate: Certificate): boolean {
  const { pathLength, extendedKeyUsage, hasUnknownCritical, nameConstraints } = certificate;
  const isLimited =
    pathLength !== undefined ||
    extendedKeyUsage !== undefined ||
    hasUnknownCritical ||
    nameConstraints !== undefined;
  const mayBe = certificate.isCa && !isLimited && certificate.weakKey === undefined;
  return mayBe && (!certificate.isSelfIssued || isSelfSigned(certificate));
}
