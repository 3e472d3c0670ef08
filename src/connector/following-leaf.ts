import type { Clock } from '../lib/clock.ts';
import { Notify } from '../lib/notify.ts';

/** How long new roots wait for the leaf that follows them. */
const FOLLOWING_LEAF_MS = 250;
/** The part of it for the blocked leaf query, which most versions of Consul answer at once. */
const BLOCKED_QUERY_MS = 100;

/** Makes new roots wait for the leaf that follows them: one write, and one reload of the gateway, then publishes both. */
export class FollowingLeaf {
  readonly #clock: Clock;
  #changedAt = Number.NEGATIVE_INFINITY;
  #changed: Notify;
  #answered: Notify;
  #settled = Promise.resolve();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#changed = new Notify(clock);
    this.#answered = new Notify(clock);
  }

  /** Resolves when the last new roots need not wait any longer. */
  get settled(): Promise<void> {
    return this.#settled;
  }

  /** Called for new roots. If no new leaf arrives, `refetch` sends the leaf query again. */
  rootsChanged(refetch: () => void, signal: AbortSignal): void {
    this.#settled = this.#follow(refetch, signal);
  }

  /** Called for a leaf that differs from the last one. */
  leafChanged(): void {
    this.#changedAt = this.#clock.monotonic();
    this.#changed.notify();
  }

  /** Called for each answer to the leaf query. */
  leafAnswered(): void {
    this.#answered.notify();
  }

  async #follow(refetch: () => void, signal: AbortSignal): Promise<void> {
    this.#changed = new Notify(this.#clock);
    // The answers of one rotation may arrive in either order.
    const isLeafFirst = this.#clock.monotonic() - this.#changedAt < BLOCKED_QUERY_MS;
    if (!isLeafFirst && (await this.#changed.wait(BLOCKED_QUERY_MS, signal))) return;
    // Some versions never wake a blocked leaf query after a new root (consul PR #15005).
    refetch();
    this.#answered = new Notify(this.#clock);
    await this.#answered.wait(FOLLOWING_LEAF_MS - BLOCKED_QUERY_MS, signal);
  }
}
