import { IdentityError } from '../errors.ts';
import { type Certificate, isValidAt } from './certificate.ts';
import type { TrustBundle } from './trust-bundle.ts';

/** A valid path from a leaf to a root of the bundle. */
export interface Chain {
  /** Each certifies the one before it (RFC 8446 section 4.4.2); the root is not among them. */
  readonly intermediates: readonly Certificate[];
  readonly root: Certificate;
  /** Whether some valid path, this one or another, ends at the active root. */
  readonly reachesActiveRoot: boolean;
}

/** More steps than any honest set of certificates needs; a hostile one cannot keep the process busy. */
const MOST_STEPS = 500;
const LONGEST_PATH = 8;

/**
 * Builds the chain of `leaf` at `at` (milliseconds since the epoch) from the certificates that came with it and those
 * Consul lists, by signature and key identifier, since names may all be empty (consul #16202). Strays, duplicates,
 * expired certificates and wrong order do not matter (consul #7018, #15704, #8681).
 *
 * The longest path is taken: during a rotation it holds the cross-signed certificate, by which peers that do not know
 * the new root yet verify the new leaf.
 *
 * @throws IdentityError NO_CHAIN
 */
export function buildChain(
  leaf: Certificate,
  given: readonly Certificate[],
  bundle: TrustBundle,
  at: number,
): Chain {
  const anchors = bundle.anchors.filter((anchor) => isValidAt(anchor, at));
  const anchorPrints = new Set(anchors.map(({ fingerprint }) => fingerprint));
  const pool = new Map<string, Certificate>();
  for (const certificate of [...given, ...bundle.intermediates]) {
    const usable =
      certificate.x509.ca &&
      !certificate.selfSigned &&
      isValidAt(certificate, at) &&
      !anchorPrints.has(certificate.fingerprint);
    if (usable) pool.set(certificate.fingerprint, certificate);
  }

  let steps = 0;
  let best: { intermediates: readonly Certificate[]; root: Certificate } | undefined;
  let reachesActiveRoot = false;

  const visit = (path: readonly Certificate[], last: Certificate): void => {
    steps += 1;
    if (steps > MOST_STEPS || path.length > LONGEST_PATH) return;
    for (const root of anchors) {
      if (!issued(root, last, path.length)) continue;
      if (bundle.active.has(root.fingerprint)) reachesActiveRoot = true;
      if (best === undefined || path.length > best.intermediates.length) best = { intermediates: path, root };
    }
    for (const next of pool.values()) {
      if (!path.includes(next) && issued(next, last, path.length)) visit([...path, next], next);
    }
  };
  visit([], leaf);

  if (best === undefined) {
    throw new IdentityError(
      'NO_CHAIN',
      `the leaf does not chain to any of the ${anchors.length} valid roots that Consul lists`,
      {
        remedy:
          'after a rotation this mends itself when the new leaf comes; if it stays, compare the AuthorityKeyId of the leaf with the roots of GET /v1/agent/connect/ca/roots',
      },
    );
  }
  return { ...best, reachesActiveRoot };
}

/** Whether `issuer` may stand above `subject` with `below` intermediates between it and the leaf (RFC 5280 section 6.1). */
function issued(issuer: Certificate, subject: Certificate, below: number): boolean {
  const keysDiffer =
    subject.authorityKeyId !== undefined &&
    issuer.subjectKeyId !== undefined &&
    subject.authorityKeyId !== issuer.subjectKeyId;
  if (keysDiffer || (issuer.pathLength !== undefined && below > issuer.pathLength)) return false;
  try {
    return subject.x509.checkIssued(issuer.x509) && subject.x509.verify(issuer.x509.publicKey);
  } catch {
    return false;
  }
}
