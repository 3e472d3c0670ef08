import { randomUUID } from 'node:crypto';
import { Authority, type AuthorityOptions, HOUR_MS } from './authority.ts';
import { signCertificate } from './certificate.ts';
import { generateKeyPair, keyIdentifier } from './keys.ts';

export type { Authority, AuthorityOptions, IssuedLeaf, LeafOptions, Validity } from './authority.ts';
export type { SignedCertificate } from './certificate.ts';
export type { KeyFormat, KeyPair, KeyType } from './keys.ts';
export { generateKeyPair, privateKeyPem } from './keys.ts';
export { spiffeUri } from './spiffe.ts';

export interface RootOptions extends AuthorityOptions {
  /** Default: a new `<uuid>.consul`, as each Consul cluster has its own. */
  readonly trustDomain?: string | undefined;
}

const TEN_YEARS_MS = 10 * 365 * 24 * HOUR_MS;

/**
 * A self-signed root in the form of Consul's: the trust domain as its URI, both key identifiers. It is valid from an hour
 * ago for ten years, so that leaves of the recent past can be issued from it.
 */
export async function createRoot(options: RootOptions = {}): Promise<Authority> {
  const trustDomain = options.trustDomain ?? `${randomUUID()}.consul`;
  const keys = await generateKeyPair(options.keyType ?? 'ec-p256');
  const name = options.emptyDn === true ? '' : (options.name ?? `Consul CA ${randomUUID().slice(0, 8)}`);
  const keyId = options.keyIdentifiers === false ? undefined : keyIdentifier(keys);
  const notBefore = options.notBefore ?? new Date(Date.now() - HOUR_MS);
  const certificate = await signCertificate({
    subject: name,
    issuer: name,
    notBefore,
    notAfter: options.notAfter ?? new Date(notBefore.getTime() + TEN_YEARS_MS),
    ca: true,
    pathLength: options.pathLength,
    names: { uris: [`spiffe://${trustDomain}`] },
    subjectKeyId: keyId,
    authorityKeyId: keyId,
    publicKey: keys.publicKey,
    issuerKeys: keys,
    extensions: options.extensions,
  });
  return new Authority({ name, trustDomain, keys, keyId, certificate, chainPem: '' });
}
