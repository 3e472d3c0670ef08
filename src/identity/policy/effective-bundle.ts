import type { TrustBundle } from '../trust-bundle.ts';
import { isValidAt, tryReadCertificates } from '../x509/certificate.ts';

/** What else than the bundle is published as roots. */
export interface OtherRoots {
  /** The bundle of what is published, each of its roots perhaps the active one. */
  readonly published: TrustBundle;
  /** The same with the roots of the bundle as well. */
  readonly both: TrustBundle;
}

/** Undefined where each published root that is valid at `at` (milliseconds since the epoch) is one of `bundle`. */
export function otherRoots(
  publishedPem: string | undefined,
  bundle: TrustBundle,
  at: number,
): OtherRoots | undefined {
  if (publishedPem === undefined || publishedPem === bundle.pem) return undefined;
  const roots = tryReadCertificates(publishedPem).filter((root) => root.x509.ca && isValidAt(root, at));
  const known = new Set(bundle.anchors.map(({ fingerprint }) => fingerprint));
  const others = roots.filter(({ fingerprint }) => !known.has(fingerprint));
  if (others.length === 0) return undefined;
  const anchors = [...bundle.anchors, ...others];
  const active = new Set([...bundle.active, ...others.map(({ fingerprint }) => fingerprint)]);
  return {
    published: { ...bundle, anchors: roots, active, pem: publishedPem },
    both: { ...bundle, anchors, active, pem: anchors.map(({ pem }) => pem).join('') },
  };
}
