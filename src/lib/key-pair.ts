import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Clock } from './clock.ts';

/** A client certificate and its key in PEM; undefined if not configured. */
export interface KeyPair {
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

const ATTEMPTS = 6;
const RETRY_MS = 100;

/**
 * Calls `read` until the key matches the certificate: a renewal writes the two files one after the other. After half a second
 * the pair is returned as it is, and connecting reports the error.
 *
 * @throws what `read` throws
 */
export async function readKeyPair<Pair extends KeyPair>(
  read: () => Promise<Pair>,
  clock: Clock,
  signal: AbortSignal,
): Promise<Pair> {
  for (let attempt = 1; ; attempt += 1) {
    const pair = await read();
    if (attempt === ATTEMPTS || signal.aborted || fits(pair)) return pair;
    await clock.sleep(RETRY_MS, signal);
  }
}

function fits({ cert, key }: KeyPair): boolean {
  if (cert === undefined || key === undefined) return true;
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}
