import { type Certificate, isValidAt } from './certificate.ts';
import { readTrusted, type TrustBundle } from './trust-bundle.ts';

/** Those of the published roots that are valid at `at` (milliseconds since the epoch) and that `bundle` lacks. */
export function otherRoots(
  publishedPem: string | undefined,
  bundle: TrustBundle,
  at: number,
): readonly Certificate[] {
  if (publishedPem === undefined || publishedPem === bundle.pem) return [];
  const known = new Set(bundle.anchors.map(({ fingerprint }) => fingerprint));
  return readTrusted(publishedPem).filter((root) => isValidAt(root, at) && !known.has(root.fingerprint));
}

/** The bundle for judging what is published while `others` may be newer roots: each of them may be the active one. */
export function withOthers(bundle: TrustBundle, others: readonly Certificate[]): TrustBundle {
  return {
    ...bundle,
    anchors: [...bundle.anchors, ...others],
    active: new Set([...bundle.active, ...others.map(({ fingerprint }) => fingerprint)]),
  };
}
