import { createPrivateKey, type X509Certificate } from 'node:crypto';
import type { CertificateAndKey } from '../../../../src/identity/identity.ts';
import type { ListedRoots } from '../../../../src/identity/trust-bundle.ts';
import { readAll } from '../../../simulation/witness.ts';
import { SERVICE, TRUST_DOMAIN } from '../support.ts';

/** How good what is published is: whether it works, is of the namespace, reaches the active root, and when it expires. */
export type Rank = readonly [works: number, isOfNamespace: number, reachesActiveRoot: number, expiry: number];

const NOTHING: Rank = [0, 0, 0, 0];
const URI = new RegExp(`^URI:spiffe://${TRUST_DOMAIN}/ns/([a-z]+)/dc/dc1/svc/${SERVICE}$`);

/**
 * The rank of `served` at `at`, judged with node alone and by its own search for paths, without `identity/`. If no namespace is
 * configured, any is accepted.
 */
export function rankOf(
  served: CertificateAndKey | undefined,
  listed: ListedRoots,
  at: number,
  namespace?: string,
): Rank {
  const [leaf, ...rest] = readAll(served?.certificatePem ?? '');
  if (served === undefined || leaf === undefined || !isGood(leaf, at)) return NOTHING;
  const [, itsNamespace] = URI.exec(leaf.subjectAltName ?? '') ?? [];
  if (itsNamespace === undefined || leaf.ca || !isKeyOf(served.privateKeyPem, leaf)) return NOTHING;
  const roots = listed.roots.flatMap(({ id, certificatePem }) =>
    readAll(certificatePem).map((root) => ({ root, active: id === listed.activeRootId })),
  );
  const reached = rootsAbove(leaf, rest, 0, at, roots);
  if (reached.length === 0) return NOTHING;
  const isOfNamespace = namespace === undefined || namespace === itsNamespace;
  const reachesActiveRoot = reached.some(({ active }) => active);
  return [1, isOfNamespace ? 1 : 0, reachesActiveRoot ? 1 : 0, Date.parse(leaf.validTo)];
}

/** The best rank of `served` between `at` and `ms` milliseconds later. */
export function rankWithin(
  ms: number,
  served: CertificateAndKey | undefined,
  listed: ListedRoots,
  at: number,
): Rank {
  const certificates = [served?.certificatePem ?? '', ...listed.roots.map((root) => root.certificatePem)];
  const moments = beginningsWithin(ms, certificates.join(''), at);
  const ranks = [at, ...moments].map((moment) => rankOf(served, listed, moment));
  return ranks.sort((a, b) => compareRanks(b, a))[0] ?? NOTHING;
}

/** When certificates of a PEM text begin to be valid, between `at` and `ms` milliseconds later. */
export function beginningsWithin(ms: number, pem: string, at: number): number[] {
  const beginnings = readAll(pem).map(({ validFrom }) => Date.parse(validFrom));
  return beginnings.filter((moment) => moment > at && moment <= at + ms);
}

/** Negative if `a` is worse than `b`. */
export function compareRanks(a: Rank, b: Rank): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || a[3] - b[3];
}

interface Root {
  readonly root: X509Certificate;
  readonly active: boolean;
}

/** Every listed root that a path from `subject` leads to, through certificates of `rest`, each of them once. */
function rootsAbove(
  subject: X509Certificate,
  rest: readonly X509Certificate[],
  depth: number,
  at: number,
  roots: readonly Root[],
): Root[] {
  const isIssuer = (issuer: X509Certificate): boolean =>
    issuer.ca &&
    isGood(issuer, at) &&
    depth <= pathLengthOf(issuer) &&
    subject.checkIssued(issuer) &&
    subject.verify(issuer.publicKey);
  const here = roots.filter(({ root }) => isIssuer(root));
  const above = rest.filter(isIssuer).flatMap((issuer) =>
    rootsAbove(
      issuer,
      rest.filter((other) => other !== issuer),
      depth + 1,
      at,
      roots,
    ),
  );
  return [...here, ...above];
}

function isGood({ validFrom, validTo }: X509Certificate, at: number): boolean {
  return Date.parse(validFrom) <= at && at < Date.parse(validTo);
}

/** From the DER of the basic constraints; Node.js does not parse them. */
function pathLengthOf({ raw }: X509Certificate): number {
  const length = /0603551d13(?:0101ff)?04..30..0101ff0201(..)/.exec(raw.toString('hex'))?.[1];
  return length === undefined ? Number.POSITIVE_INFINITY : Number.parseInt(length, 16);
}

function isKeyOf(pem: string, leaf: X509Certificate): boolean {
  try {
    return leaf.checkPrivateKey(createPrivateKey(pem));
  } catch {
    return false;
  }
}
