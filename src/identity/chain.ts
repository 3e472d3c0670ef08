import { IdentityError } from '../errors.ts';
import type { TrustBundle } from './trust-bundle.ts';
import {
  allowsClientAuth,
  type Certificate,
  isSelfSigned,
  isSignedBy,
  isValidAt,
  subjectOf,
  weaknessOf,
} from './x509/certificate.ts';
import { permitsUri } from './x509/name-constraints.ts';
import { areSignaturesSpent, withSignatureBudget } from './x509/signature-budget.ts';

/** A valid path from a leaf to a root of the bundle. */
export interface Chain {
  /** Each certifies the one before it (RFC 8446 section 4.4.2); without the root. */
  readonly intermediates: readonly Certificate[];
  readonly root: Certificate;
  /** The active root, if the path or a valid shorter part of it ends there. */
  readonly activeRoot: Certificate | undefined;
  /** The earliest expiry of the path, including leaf and root, in milliseconds since the epoch. */
  readonly notAfter: number;
}

/** A path that may or may not end at a root. */
type Path = Omit<Chain, 'root'>;

const MAX_PATH = 8;

/**
 * Builds the chain of `leaf` at `at` (milliseconds since the epoch) from the certificates that came with it and those that Consul
 * lists, by signature and key identifier, because names may be empty (consul #16202). Unrelated, duplicate and expired
 * certificates and their order do not matter (consul #7018, #15704, #8681).
 *
 * Prefers paths to the active root, then the latest expiry, then the longest path: during a rotation it contains the cross-signed
 * certificate, with which peers that do not have the new root yet verify the new leaf.
 *
 * @throws IdentityError NO_CHAIN, or WEAK_CERTIFICATE or NAME_CONSTRAINTS if that is the only fault
 */
export function buildChain(
  leaf: Certificate,
  given: readonly Certificate[],
  bundle: TrustBundle,
  at: number,
): Chain {
  return withSignatureBudget(() => {
    const best = findBest(leaf, given, bundle, at, { judgesCas: true });
    if (best !== undefined) return best;
    const refused = findBest(leaf, given, bundle, at, { judgesCas: false });
    throw refused === undefined ? noChain(bundle, at) : errorOf(leaf, refused);
  });
}

/** @param judgesCas false ignores weak CAs and name constraints */
function findBest(
  leaf: Certificate,
  given: readonly Certificate[],
  bundle: TrustBundle,
  at: number,
  { judgesCas }: { readonly judgesCas: boolean },
): Chain | undefined {
  const isCaAt = (certificate: Certificate) =>
    certificate.isCa && isValidAt(certificate, at) && allowsClientAuth(certificate);
  const isAnchor = (root: Certificate) => isCaAt(root) && !(judgesCas && root.weakKey !== undefined);
  const isLink = (certificate: Certificate) =>
    isCaAt(certificate) && !(judgesCas && weaknessOf(certificate) !== undefined);
  const anchors = bundle.anchors.filter(isAnchor);
  const anchorPrints = new Set(anchors.map(({ fingerprint }) => fingerprint));
  const pool = new Map<string, Certificate>();
  for (const certificate of [...given, ...bundle.intermediates]) {
    const isUsable = !anchorPrints.has(certificate.fingerprint) && isLink(certificate);
    if (isUsable && !isSelfSigned(certificate)) pool.set(certificate.fingerprint, certificate);
  }

  const issuersOf = (subject: Certificate, below: readonly Certificate[], among: Iterable<Certificate>) =>
    [...among].filter((issuer) => {
      if (!mayIssue(issuer, subject, below)) return false;
      if (judgesCas && excludedName(issuer, leaf, below) !== undefined) return false;
      return isSignedBy(subject, issuer);
    });

  let best: Chain | undefined;
  // The shortest first, so that a hostile number of long paths does not use up the budget.
  const paths: Path[] = [{ intermediates: [], activeRoot: undefined, notAfter: leaf.notAfter }];
  for (const path of paths) {
    if (areSignaturesSpent()) break;
    const { intermediates } = path;
    const last = intermediates.at(-1) ?? leaf;
    const roots = issuersOf(last, intermediates, anchors);
    const [root] = roots;
    const activeRoot = path.activeRoot ?? roots.find(({ fingerprint }) => bundle.active.has(fingerprint));
    const end = (activeRoot ?? root)?.notAfter ?? 0;
    const found = { intermediates, activeRoot, notAfter: Math.min(path.notAfter, end) };
    if (root !== undefined && (best === undefined || isBetter(found, best))) best = { ...found, root };
    if (intermediates.length === MAX_PATH) continue;
    for (const next of issuersOf(last, intermediates, pool.values())) {
      const notAfter = Math.min(path.notAfter, next.notAfter);
      paths.push({ intermediates: [...intermediates, next], activeRoot, notAfter });
    }
  }

  return best;
}

function noChain({ anchors, dropped }: TrustBundle, at: number): IdentityError {
  const valid = anchors.filter((anchor) => isValidAt(anchor, at)).length;
  const leftOut = dropped.length === 0 ? '' : `; left out: ${dropped.join('; ')}`;
  return new IdentityError(
    'NO_CHAIN',
    `the leaf does not chain to any of the ${valid} valid roots that Consul lists${leftOut}`,
    {
      remedy:
        'after a rotation this resolves itself with the new leaf; if the error persists, compare the AuthorityKeyId of the leaf with the roots of GET /v1/agent/connect/ca/roots',
    },
  );
}

/** The fault of the first CA that is not allowed in a chain. */
function errorOf(leaf: Certificate, { intermediates, root }: Chain): IdentityError {
  for (const [index, ca] of [...intermediates, root].entries()) {
    const weakness = ca === root ? ca.weakKey : weaknessOf(ca);
    if (weakness !== undefined) {
      return new IdentityError('WEAK_CERTIFICATE', `the CA ${subjectOf(ca)} ${weakness}`);
    }
    const name = excludedName(ca, leaf, intermediates.slice(0, index));
    if (name !== undefined) {
      return new IdentityError(
        'NAME_CONSTRAINTS',
        `the name constraints of the CA ${subjectOf(ca)} exclude ${name}`,
      );
    }
  }
  return new IdentityError('NO_CHAIN', 'the leaf has no chain that peers accept');
}

/** The first URI of the leaf and of the CAs `below` that `issuer` may not certify. OpenSSL skips self-issued CAs. */
function excludedName(
  { nameConstraints }: Certificate,
  leaf: Certificate,
  below: readonly Certificate[],
): string | undefined {
  if (nameConstraints === undefined) return undefined;
  return [leaf, ...below.filter(({ isSelfIssued }) => !isSelfIssued)]
    .flatMap(({ uris }) => uris)
    .find((uri) => !permitsUri(nameConstraints, uri));
}

function isBetter(path: Path, best: Path): boolean {
  if ((path.activeRoot === undefined) !== (best.activeRoot === undefined))
    return best.activeRoot === undefined;
  if (path.notAfter !== best.notAfter) return path.notAfter > best.notAfter;
  return path.intermediates.length > best.intermediates.length;
}

/**
 * Whether `issuer` may have issued `subject`, with `below` between it and the leaf, as far as the path decides it: by path
 * length (RFC 5280 section 6.1), and no key twice in one path (RFC 4158 section 5.2).
 */
function mayIssue(issuer: Certificate, subject: Certificate, below: readonly Certificate[]): boolean {
  if (subject.isSelfIssued) return false;
  if (issuer.pathLength !== undefined && below.length > issuer.pathLength) return false;
  return !below.some(({ publicKey }) => publicKey === issuer.publicKey);
}
