import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Clock } from './clock.ts';

/** A client certificate and its key in PEM, each where it is configured. */
export interface KeyPair {
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

const ATTEMPTS = 6;
const RETRY_MS = 100;

/**
 * What `read` reads, once the key is that of the certificate: whoever renews them writes two files, one after the other. Half a
 * second later it is taken as it is, and the connection says what is wrong.
 *
 * @throws what `read` does
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
