import { IdentityError } from '../errors.ts';
import type { SpiffeId } from './spiffe-id.ts';
import { allowsClientAuth, type Certificate, isValidAt, weaknessOf } from './x509/certificate.ts';
import type { PrivateKey } from './x509/private-key.ts';

/**
 * The leaf is the certificate of the key, at any position; of several, the one with the latest expiry.
 *
 * @throws IdentityError KEY_MISMATCH
 */
export function leafOf(certificates: readonly Certificate[], key: PrivateKey): Certificate {
  const [leaf] = certificates
    .filter(({ publicKey }) => publicKey === key.publicKey)
    .sort((a, b) => b.notAfter - a.notAfter);
  if (leaf === undefined) {
    throw new IdentityError('KEY_MISMATCH', 'the private key matches none of the certificates');
  }
  return leaf;
}

/** @throws IdentityError LEAF_IS_CA or NO_CLIENT_AUTH */
export function checkUse(leaf: Certificate): void {
  if (leaf.isCa) throw new IdentityError('LEAF_IS_CA', 'the certificate of the key is a CA certificate');
  if (!allowsClientAuth(leaf) || !leaf.allowsSigning) {
    throw new IdentityError('NO_CLIENT_AUTH', "the leaf's extensions do not allow TLS clients");
  }
}

/** @throws IdentityError WEAK_CERTIFICATE */
export function checkStrength(leaf: Certificate): void {
  const weakness = weaknessOf(leaf);
  if (weakness !== undefined) throw new IdentityError('WEAK_CERTIFICATE', `the leaf ${weakness}`);
}

/** @throws IdentityError NOT_YET_VALID or EXPIRED */
export function checkValidity(leaf: Certificate, at: number): void {
  if (isValidAt(leaf, at)) return;
  const early = at < leaf.notBefore;
  throw new IdentityError(
    early ? 'NOT_YET_VALID' : 'EXPIRED',
    early
      ? `the leaf is not valid before ${new Date(leaf.notBefore).toISOString()}`
      : `the leaf expired ${new Date(leaf.notAfter).toISOString()}`,
  );
}

/** @throws IdentityError WRONG_TRUST_DOMAIN or WRONG_SERVICE */
export function checkSubject(spiffeId: SpiffeId, service: string, trustDomain: string): void {
  if (spiffeId.trustDomain !== trustDomain) {
    throw new IdentityError(
      'WRONG_TRUST_DOMAIN',
      `the leaf is ${spiffeId.uri}, the trust domain is ${trustDomain}`,
    );
  }
  if (spiffeId.service !== service) {
    throw new IdentityError(
      'WRONG_SERVICE',
      `the leaf is ${spiffeId.uri}, but service ${service} was requested`,
    );
  }
}
