import { IdentityError } from '../errors.ts';
import type { TrustBundle } from './trust-bundle.ts';
import {
  allowsClientAuth,
  type Certificate,
  isSignedBy,
  isValidAt,
  keyIdsMatch,
} from './x509/certificate.ts';

/** A valid path from a leaf to a root of the bundle. */
export interface Chain {
  /** Each certifies the one before it (RFC 8446 section 4.4.2); the root is not among them. */
  readonly intermediates: readonly Certificate[];
  readonly root: Certificate;
  /** The active root, where it ends there, or where a part of it does that is a path of its own. */
  readonly activeRoot: Certificate | undefined;
}

/** A path that may or may not end at a root. */
type Path = Pick<Chain, 'intermediates' | 'activeRoot'>;

/** More signatures than any honest set of certificates needs; a hostile one cannot keep the process busy. */
const MAX_SIGNATURES = 1_000;
const MAX_PATH = 8;

/**
 * Builds the chain of `leaf` at `at` (milliseconds since the epoch) from the certificates that came with it and those
 * Consul lists, by signature and key identifier, since names may all be empty (consul #16202). Strays, duplicates,
 * expired certificates and wrong order do not matter (consul #7018, #15704, #8681).
 *
 * Of the paths that reach the active root, or else of all, the longest is taken: during a rotation it holds the
 * cross-signed certificate, by which peers that do not know the new root yet verify the new leaf.
 *
 * @throws IdentityError NO_CHAIN
 */
export function buildChain(
  leaf: Certificate,
  given: readonly Certificate[],
  bundle: TrustBundle,
  at: number,
): Chain {
  const isCaAt = (certificate: Certificate) =>
    certificate.x509.ca && isValidAt(certificate, at) && allowsClientAuth(certificate);
  const anchors = bundle.anchors.filter(isCaAt);
  const anchorPrints = new Set(anchors.map(({ fingerprint }) => fingerprint));
  const pool = new Map<string, Certificate>();
  for (const certificate of [...given, ...bundle.intermediates]) {
    const usable = !certificate.selfSigned && !anchorPrints.has(certificate.fingerprint);
    if (usable && isCaAt(certificate)) pool.set(certificate.fingerprint, certificate);
  }

  let signatures = 0;
  const issuersOf = (subject: Certificate, below: readonly Certificate[], among: Iterable<Certificate>) =>
    [...among].filter((issuer) => {
      if (!mayIssue(issuer, subject, below) || signatures === MAX_SIGNATURES) return false;
      signatures += 1;
      return isSignedBy(subject, issuer);
    });

  let best: Chain | undefined;
  // The shortest first, so that a hostile number of long paths cannot hide them.
  const paths: Path[] = [{ intermediates: [], activeRoot: undefined }];
  for (const path of paths) {
    const { intermediates } = path;
    const last = intermediates.at(-1) ?? leaf;
    const roots = issuersOf(last, intermediates, anchors);
    const [root] = roots;
    const activeRoot = path.activeRoot ?? roots.find(({ fingerprint }) => bundle.active.has(fingerprint));
    const found = { intermediates, activeRoot };
    if (root !== undefined && (best === undefined || isBetter(found, best))) best = { ...found, root };
    if (intermediates.length === MAX_PATH) continue;
    for (const next of issuersOf(last, intermediates, pool.values())) {
      paths.push({ intermediates: [...intermediates, next], activeRoot });
    }
  }

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
  return best;
}

function isBetter(path: Path, best: Path): boolean {
  if ((path.activeRoot === undefined) !== (best.activeRoot === undefined))
    return best.activeRoot === undefined;
  return path.intermediates.length > best.intermediates.length;
}

/**
 * Whether `issuer` may stand above `subject` with `below` between it and the leaf, before any signature is looked at:
 * key identifiers and path length (RFC 5280 section 6.1), and no key twice in one path (RFC 4158 section 5.2).
 */
function mayIssue(issuer: Certificate, subject: Certificate, below: readonly Certificate[]): boolean {
  if (subject.isSelfIssued || !keyIdsMatch(issuer, subject)) return false;
  if (issuer.pathLength !== undefined && below.length > issuer.pathLength) return false;
  return !below.some(({ publicKey }) => publicKey.equals(issuer.publicKey));
}
