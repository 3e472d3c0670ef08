import { createPrivateKey, createPublicKey } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { IdentityError } from '../../errors.ts';
import { readPem, writePem } from './pem.ts';
import { publicKeyText } from './public-key.ts';

const TYPES: Readonly<Record<string, 'sec1' | 'pkcs1' | 'pkcs8'>> = {
  'EC PRIVATE KEY': 'sec1',
  'RSA PRIVATE KEY': 'pkcs1',
  'PRIVATE KEY': 'pkcs8',
};

/** The published key and Consul's: older keys do not stay in memory. */
const MAX_PARSED = 2;

/** A private key and its canonical PEM form. Never logged, never part of an error. */
export interface PrivateKey {
  readonly pem: string;
  /** In the form of a certificate's. */
  readonly publicKey: string;
}

/**
 * Reads the private key of a PEM text, in SEC1, PKCS#1 or PKCS#8 form, and keeps that form. An `EC PARAMETERS` block
 * before it, as openssl writes, is dropped.
 *
 * @throws IdentityError PEM_UNREADABLE or KEY_UNREADABLE, without a `cause`, because OpenSSL's error may quote the input
 */
export function readPrivateKey(text: string): PrivateKey {
  return parsed.memo(text);
}

const parsed = new LRUCache<string, PrivateKey>({ max: MAX_PARSED, memoMethod: parsePrivateKey });

function parsePrivateKey(text: string): PrivateKey {
  const keys = readPem(text, 'the private key').filter(({ label }) => label.endsWith('PRIVATE KEY'));
  const [block] = keys;
  if (block === undefined || keys.length > 1) {
    throw new IdentityError(
      'KEY_UNREADABLE',
      `the private key holds ${keys.length} keys where one is expected`,
    );
  }
  const type = TYPES[block.label];
  if (type === undefined) throw unreadable();
  try {
    const key = createPrivateKey({ key: block.der, format: 'der', type });
    return { pem: writePem(block), publicKey: publicKeyText(createPublicKey(key)) };
  } catch {
    throw unreadable();
  }
}

function unreadable(): IdentityError {
  return new IdentityError('KEY_UNREADABLE', 'the private key cannot be read');
}
