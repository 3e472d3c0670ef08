import { IdentityError } from '../errors.ts';
import { type Certificate, isSignedBy, isValidAt, readCertificates } from './certificate.ts';
import type { TrustBundle } from './trust-bundle.ts';

/** Consul puts the new leaf off by up to 30 s after a rotation, longer where it limits the rate of CSRs. */
export const LONGEST_HOLD_MS = 60_000;

/**
 * Until when (milliseconds since the epoch) the bundle may wait for the new leaf, so that a rotation reloads a gateway
 * that verifies its peers once and not twice; undefined where it must be published now.
 *
 * It may wait while each root that is not published yet is cross-signed by a published one: peers then send the
 * cross-signed certificate with their new leaves (RFC 5280 section 3.2), and verify by the old root.
 * `since` is when these roots were first heard of.
 */
export function holdUntil(
  publishedPem: string,
  bundle: TrustBundle,
  since: number,
  at: number,
): number | undefined {
  const until = since + LONGEST_HOLD_MS;
  if (at >= until) return undefined;
  const trusted = readTrusted(publishedPem).filter((certificate) => isValidAt(certificate, at));
  const known = new Set(trusted.map(({ fingerprint }) => fingerprint));
  const added = bundle.anchors.filter(({ fingerprint }) => !known.has(fingerprint));
  const isVouchedFor = (anchor: Certificate): boolean =>
    bundle.intermediates.some(
      (cross) =>
        cross.publicKey.equals(anchor.publicKey) &&
        isValidAt(cross, at) &&
        trusted.some((root) => isSignedBy(cross, root)),
    );
  return added.length > 0 && added.every(isVouchedFor) ? until : undefined;
}

/** A bundle that cannot be read is trusted by no gateway. */
function readTrusted(pem: string): readonly Certificate[] {
  try {
    return readCertificates(pem, 'the published bundle');
  } catch (error) {
    if (error instanceof IdentityError) return [];
    throw error;
  }
}
