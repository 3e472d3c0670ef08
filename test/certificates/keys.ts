import { createHash, KeyObject, webcrypto } from 'node:crypto';

export type KeyType = 'ec-p256' | 'ec-p384' | 'rsa-2048';
/** `EC PRIVATE KEY`, `RSA PRIVATE KEY` and `PRIVATE KEY`. */
export type KeyFormat = 'sec1' | 'pkcs1' | 'pkcs8';

export interface KeyPair {
  readonly type: KeyType;
  readonly publicKey: webcrypto.CryptoKey;
  readonly privateKey: webcrypto.CryptoKey;
}

const RSA_SHA_256 = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
const PUBLIC_EXPONENT = new Uint8Array([1, 0, 1]);

const GENERATION = {
  'ec-p256': { name: 'ECDSA', namedCurve: 'P-256' },
  'ec-p384': { name: 'ECDSA', namedCurve: 'P-384' },
  'rsa-2048': { ...RSA_SHA_256, modulusLength: 2048, publicExponent: PUBLIC_EXPONENT },
} satisfies Record<KeyType, webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams>;

/** What a key signs with; the hash grows with the curve, as Go's does. */
const SIGNING = {
  'ec-p256': { name: 'ECDSA', hash: 'SHA-256' },
  'ec-p384': { name: 'ECDSA', hash: 'SHA-384' },
  'rsa-2048': RSA_SHA_256,
} satisfies Record<KeyType, { name: string; hash: string }>;

/** A new key: under a millisecond for EC, some 100 ms for RSA. */
export async function generateKeyPair(type: KeyType): Promise<KeyPair> {
  const { publicKey, privateKey } = await webcrypto.subtle.generateKey(GENERATION[type], true, [
    'sign',
    'verify',
  ]);
  return { type, publicKey, privateKey };
}

export function signingAlgorithm(type: KeyType): { name: string; hash: string } {
  return SIGNING[type];
}

/**
 * The private key as PEM. The default is what Consul sends: SEC1 for EC, PKCS#1 for RSA.
 *
 * @throws TypeError when the format is not one of the key's type: an EC key as PKCS#1, an RSA key as SEC1
 */
export function privateKeyPem(keys: KeyPair, format: KeyFormat = nativeFormat(keys.type)): string {
  if (format !== 'pkcs8' && format !== nativeFormat(keys.type)) {
    throw new TypeError(`a ${keys.type} key has no ${format} form`);
  }
  return KeyObject.from(keys.privateKey).export({ type: format, format: 'pem' }).toString();
}

/** The key identifier Consul uses, SHA-256 of the public key, in hex (RFC 5280 section 4.2.1.2 leaves the method open). */
export function keyIdentifier(keys: KeyPair): string {
  const der = KeyObject.from(keys.publicKey).export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(der).digest('hex');
}

function nativeFormat(type: KeyType): KeyFormat {
  return type === 'rsa-2048' ? 'pkcs1' : 'sec1';
}
