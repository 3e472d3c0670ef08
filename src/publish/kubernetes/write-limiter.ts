import type { Clock } from '../../lib/clock.ts';
import { TokenBucket } from '../../lib/token-bucket.ts';
import type { ObjectCache } from './object-cache.ts';
import type { Urgency } from './urgency.ts';

export interface WriteLimiterOptions {
  readonly clock: Clock;
  /** Called when writes of an object are suspended for `retryMs` milliseconds; at most once in ten seconds. */
  readonly onLimited: (cache: ObjectCache, retryMs: number) => void;
  /** Called when it may be written again. */
  readonly onRetry: () => void;
}

/** The number of another writer's changes that may be undone at once, and the time for each further one. */
const BURST = 30;
const REFILL_MS: Readonly<Record<Urgency, number>> = { urgent: 1_000, ordinary: 10_000 };
const REPORT_EVERY_MS = 10_000;

/** The remaining budgets of one object. */
interface Budget {
  readonly buckets: Readonly<Record<Urgency, TokenBucket>>;
  readonly waiting: Set<Urgency>;
  reportedAt: number;
}

/**
 * Limits how often the changes of another writer are undone. Two connectors with different settings for one object, as during an
 * update of the Deployment, would otherwise undo each other's writes as fast as the API server allows.
 */
export class WriteLimiter {
  readonly #options: WriteLimiterOptions;
  readonly #budgets = new Map<ObjectCache, Budget>();

  constructor(options: WriteLimiterOptions) {
    this.#options = options;
  }

  /** Whether the object may be written now; always if the last write was ours. */
  tryAcquireWrite(cache: ObjectCache, urgency: Urgency, signal: AbortSignal): boolean {
    if (cache.isOwnWrite) return true;
    const budget = this.#budgetOf(cache);
    if (budget.buckets[urgency].tryTake()) return true;
    this.#limit(cache, budget, urgency, signal);
    return false;
  }

  #budgetOf(cache: ObjectCache): Budget {
    const { clock } = this.#options;
    const bucket = (urgency: Urgency) => new TokenBucket(clock, BURST, REFILL_MS[urgency]);
    const budget = this.#budgets.get(cache) ?? {
      buckets: { urgent: bucket('urgent'), ordinary: bucket('ordinary') },
      waiting: new Set(),
      reportedAt: Number.NEGATIVE_INFINITY,
    };
    this.#budgets.set(cache, budget);
    return budget;
  }

  #limit(cache: ObjectCache, budget: Budget, urgency: Urgency, signal: AbortSignal): void {
    if (budget.waiting.has(urgency)) return;
    budget.waiting.add(urgency);
    const { clock, onLimited, onRetry } = this.#options;
    const retryMs = REFILL_MS[urgency];
    if (clock.monotonic() >= budget.reportedAt + REPORT_EVERY_MS) {
      budget.reportedAt = clock.monotonic();
      onLimited(cache, retryMs);
    }
    void clock.sleep(retryMs, signal).then(() => {
      budget.waiting.delete(urgency);
      onRetry();
    });
  }
}
