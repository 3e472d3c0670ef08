import { createPrivateKey, type KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { IdentityError } from '../../errors.ts';
import { readPem, writePem } from './pem.ts';

/** The published key and Consul's: older keys do not stay in memory. */
const MAX_PARSED = 2;

/** A private key and its canonical PEM form. Never logged, never part of an error. */
export interface PrivateKey {
  readonly object: KeyObject;
  readonly pem: string;
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
  const pem = writePem(block);
  try {
    return { object: createPrivateKey(pem), pem };
  } catch {
    throw new IdentityError('KEY_UNREADABLE', 'the private key cannot be read');
  }
}
