import type { Clock } from './clock.ts';

/**
 * A token bucket: `burst` requests at once, then one every `refillMs`. It prevents a busy loop when a server answers every
 * blocking query immediately.
 */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #burst: number;
  readonly #refillMs: number;
  #tokens: number;
  #filledAt: number;

  constructor(clock: Clock, burst: number, refillMs: number) {
    this.#clock = clock;
    this.#burst = burst;
    this.#refillMs = refillMs;
    this.#tokens = burst;
    this.#filledAt = clock.monotonic();
  }

  /** Takes a token, waiting for one if there is none. Returns early, with none taken, when `signal` aborts. */
  async take(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.tryTake()) {
      await this.#clock.sleep(Math.ceil((1 - this.#tokens) * this.#refillMs), signal);
    }
  }

  /** Takes a token if there is one, and returns whether there was. */
  tryTake(): boolean {
    this.#refill();
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  #refill(): void {
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#filledAt) / this.#refillMs);
    this.#filledAt = now;
  }
}
