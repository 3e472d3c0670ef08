import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { lookup as systemLookupAll } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';

let underWay = 0;

/**
 * Counts work in Node's thread pool. Work that hangs there, such as a read from a dead mount or a resolver that never answers,
 * cannot be cancelled, and `process.exit` waits for it.
 */
export async function inThreadPool<T>(work: () => Promise<T>): Promise<T> {
  underWay += 1;
  try {
    return await work();
  } finally {
    underWay -= 1;
  }
}

export function isThreadPoolBusy(): boolean {
  return underWay > 0;
}

/** Every address of `host` from the system's resolver, without a deadline. */
export function lookupAll(host: string): Promise<LookupAddress[]> {
  return inThreadPool(() => systemLookupAll(host, { all: true }));
}

/** The system's resolver, as the `lookup` of a connection. */
export const countedLookup: LookupFunction = (host, options, callback) => {
  underWay += 1;
  systemLookup(host, options, (...answer) => {
    underWay -= 1;
    callback(...answer);
  });
};
