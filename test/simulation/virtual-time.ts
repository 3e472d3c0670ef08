import type { Clock } from '../../src/lib/clock.ts';

interface Timer {
  readonly at: number;
  readonly fire: () => void | Promise<void>;
}

/** Time that advances from event to event, in milliseconds since the epoch. */
export class VirtualTime {
  readonly random: () => number;
  /** How far the connector's clock is ahead of Consul's, which is correct. */
  skewMs = 0;
  #now: number;
  readonly #timers = new Set<Timer>();

  constructor(start: number, random: () => number) {
    this.#now = start;
    this.random = random;
  }

  get now(): number {
    return this.#now;
  }

  /** The connector's clock. It may be wrong, but like real timers its sleeps take the right time. */
  readonly clock: Clock = {
    now: () => this.#now + this.skewMs,
    monotonic: () => this.#now,
    random: () => this.random(),
    sleep: (ms, signal) => this.sleep(ms, signal),
  };

  at(at: number, fire: () => void | Promise<void>): void {
    this.#timers.add({ at: Math.max(at, this.#now), fire });
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const finish = (): void => {
        this.#timers.delete(timer);
        signal.removeEventListener('abort', finish);
        resolve();
      };
      const timer = { at: this.#now + Math.max(ms, 0), fire: finish };
      this.#timers.add(timer);
      signal.addEventListener('abort', finish, { once: true });
    });
  }

  /**
   * Runs until `end`, or until `isOver`. `look` is called at both ends of every interval without an event.
   */
  async run(end: number, look: () => void, isOver: () => boolean = () => false): Promise<void> {
    for (;;) {
      // Everything that waits for no timer is a microtask, and those are all done before this.
      await new Promise(setImmediate);
      look();
      const next = this.#next();
      this.#now = Math.min(next?.at ?? end, end);
      look();
      if (next === undefined || next.at > end || isOver()) return;
      this.#timers.delete(next);
      await next.fire();
    }
  }

  #next(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) if (next === undefined || timer.at < next.at) next = timer;
    return next;
  }
}

/** Sleepers that can all be woken early. */
export class Sleepers {
  readonly #time: VirtualTime;
  readonly #wakers = new Set<() => void>();

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  wake(): void {
    for (const wake of this.#wakers) wake();
  }

  async sleepUntil(at: number, signal: AbortSignal): Promise<void> {
    const sleeper = new AbortController();
    const wake = (): void => sleeper.abort();
    this.#wakers.add(wake);
    signal.addEventListener('abort', wake, { once: true });
    await this.#time.sleep(at - this.#time.now, sleeper.signal);
    this.#wakers.delete(wake);
    signal.removeEventListener('abort', wake);
  }
}

/** mulberry32: a small generator whose state is its seed, so that a run can be repeated. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
