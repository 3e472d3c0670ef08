import { LRUCache } from 'lru-cache';
import { IdentityError } from '../errors.ts';
import { buildChain, type Chain } from './chain.ts';
import { checkStrength, checkSubject, checkUse, checkValidity, leafOf } from './leaf.ts';
import { outOfScope, type Scope, type SpiffeId, spiffeIdOf } from './spiffe-id.ts';
import type { TrustBundle } from './trust-bundle.ts';
import { type Certificate, isIssuerCandidate, isValidAt, readCertificates } from './x509/certificate.ts';
import { isServable } from './x509/pem.ts';
import { readPrivateKey } from './x509/private-key.ts';

/** For the published certificate and its key. */
const servable = new LRUCache<string, boolean, string>({
  max: 2,
  memoMethod: (text, _stale, { context: what }) => isServable(text, what),
});

/** A certificate and key as text, from Consul or from a Secret. */
export interface CertificateAndKey {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** A leaf, its key and its chain that passed every check of rule 1: valid at the time of verification. */
export interface Identity {
  readonly spiffeId: SpiffeId;
  readonly leaf: Certificate;
  readonly chain: Chain;
  /** The earliest expiry of the path, in milliseconds since the epoch. */
  readonly notAfter: number;
  /** Leaf, then intermediates; never the root, so that the file changes only when the leaf does. */
  readonly tlsCrt: string;
  readonly tlsKey: string;
}

/** The remaining share of an identity's lifetime at `at`: 1 for a new leaf, 0 or less once it has expired. */
export function lifetimeLeft({ leaf, notAfter }: Lifetime, at: number): number {
  return (notAfter - at) / (notAfter - leaf.notBefore);
}

/** The fields that determine the lifetime of an identity. */
export type Lifetime = Pick<Identity, 'leaf' | 'notAfter'>;

/**
 * Rule 1, publish only valid identities: the key belongs to the leaf, the leaf is `service` in the bundle's trust domain, and it
 * chains to a listed root at `at` (milliseconds since the epoch).
 *
 * @throws IdentityError whose code names the first check that failed
 */
export function verifyIdentity(
  material: CertificateAndKey,
  service: string,
  bundle: TrustBundle,
  at: number,
): Identity {
  const certificates = readCertificates(material.certificatePem, 'the certificate');
  return verifyCertificates(certificates, material.privateKeyPem, service, bundle, at);
}

/**
 * `verifyIdentity` for a leaf from Consul, which must also have the requested datacenter, namespace and partition.
 *
 * @throws IdentityError as `verifyIdentity`, or WRONG_SCOPE
 */
export function verifyAnswer(
  material: CertificateAndKey,
  service: string,
  scope: Scope,
  bundle: TrustBundle,
  at: number,
): Identity {
  const identity = verifyIdentity(material, service, bundle, at);
  const missed = outOfScope(identity.spiffeId, scope);
  if (missed === undefined) return identity;
  throw new IdentityError('WRONG_SCOPE', `the leaf is ${identity.spiffeId.uri}, but ${missed} was requested`);
}

function verifyCertificates(
  certificates: readonly Certificate[],
  privateKeyPem: string,
  service: string,
  bundle: TrustBundle,
  at: number,
): Identity {
  const key = readPrivateKey(privateKeyPem);
  const leaf = leafOf(certificates, key);
  checkUse(leaf);
  checkStrength(leaf);
  checkValidity(leaf, at);
  const spiffeId = spiffeIdOf(leaf);
  checkSubject(spiffeId, service, bundle.trustDomain);
  const chain = buildChain(leaf, certificates, bundle, at);
  return {
    spiffeId,
    leaf,
    chain,
    notAfter: chain.notAfter,
    tlsCrt: [leaf, ...chain.intermediates].map(({ pem }) => pem).join(''),
    tlsKey: key.pem,
  };
}

/**
 * Rule 1 for a published identity. A gateway uses the files as they are: so the PEM must be readable for gateways, the leaf must
 * be first, every intermediate must be included, and no certificate may divert peers to a wrong path.
 *
 * @throws IdentityError as `verifyIdentity`, and LEAF_NOT_FIRST
 */
export function verifyServed(
  material: CertificateAndKey,
  service: string,
  bundle: TrustBundle,
  at: number,
): Identity {
  checkForm(material.certificatePem, 'the published certificate');
  checkForm(material.privateKeyPem, 'the published private key');
  const certificates = readCertificates(material.certificatePem, 'the certificate');
  const alone = { ...bundle, intermediates: [] };
  const identity = verifyCertificates(certificates, material.privateKeyPem, service, alone, at);
  const [first] = certificates;
  if (first?.fingerprint !== identity.leaf.fingerprint) {
    throw new IdentityError('LEAF_NOT_FIRST', 'the leaf is not the first certificate');
  }
  checkUnambiguous(certificates, identity, bundle, at);
  return identity;
}

function checkForm(text: string, what: string): void {
  if (servable.memo(text, { context: what })) return;
  throw new IdentityError(
    'PEM_UNREADABLE',
    `${what} contains a PEM block in a form that gateways cannot read`,
  );
}

/**
 * OpenSSL and BoringSSL take the first valid certificate with the right name and key identifier as the issuer, even if it may not
 * sign, and try no other: so that one must be in the path.
 */
function checkUnambiguous(
  served: readonly Certificate[],
  { leaf, chain }: Identity,
  bundle: TrustBundle,
  at: number,
): void {
  const anchors = new Set(bundle.anchors.map(({ fingerprint }) => fingerprint));
  const others = served.filter(
    (certificate) => isValidAt(certificate, at) && !anchors.has(certificate.fingerprint),
  );
  let subject = leaf;
  for (const issuer of chain.intermediates) {
    const taken = others.find((other) => isIssuerCandidate(other, subject));
    if (taken?.fingerprint !== issuer.fingerprint) {
      throw new IdentityError(
        'NO_CHAIN',
        'the chain contains a certificate that keeps peers from building a path to any root',
      );
    }
    subject = issuer;
  }
}
