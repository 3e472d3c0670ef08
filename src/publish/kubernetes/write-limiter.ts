import type { Clock } from '../../lib/clock.ts';
import { TokenBucket } from '../../lib/token-bucket.ts';
import type { ObjectCache } from './object-cache.ts';

export interface WriteLimiterOptions {
  readonly clock: Clock;
  /** Called once when an object may no longer be written, and may again in `retryMs` milliseconds. */
  readonly onLimited: (cache: ObjectCache, retryMs: number) => void;
  /** Called when it may be written again. */
  readonly onRetry: () => void;
}

/** Changes of another writer that may be undone: this many at once, then one in this time. */
const BURST = 30;
const REFILL_MS = 10_000;

/**
 * Limits how often the changes of another writer are undone. Two connectors that want different things of one object, as old
 * and new do during an update of the Deployment, would otherwise undo each other's writes as fast as the API server allows.
 */
export class WriteLimiter {
  readonly #options: WriteLimiterOptions;
  readonly #buckets = new Map<ObjectCache, TokenBucket>();
  readonly #limited = new Set<ObjectCache>();

  constructor(options: WriteLimiterOptions) {
    this.#options = options;
  }

  /** Whether the object may be written now; always where the last write was ours. */
  tryAcquireWrite(cache: ObjectCache, signal: AbortSignal): boolean {
    if (cache.isOwnWrite || this.#bucketOf(cache).tryTake()) return true;
    this.#limit(cache, signal);
    return false;
  }

  #bucketOf(cache: ObjectCache): TokenBucket {
    const bucket = this.#buckets.get(cache) ?? new TokenBucket(this.#options.clock, BURST, REFILL_MS);
    this.#buckets.set(cache, bucket);
    return bucket;
  }

  #limit(cache: ObjectCache, signal: AbortSignal): void {
    if (this.#limited.has(cache)) return;
    this.#limited.add(cache);
    const { clock, onLimited, onRetry } = this.#options;
    onLimited(cache, REFILL_MS);
    void clock.sleep(REFILL_MS, signal).then(() => {
      this.#limited.delete(cache);
      onRetry();
    });
  }
}
