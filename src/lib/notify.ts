import { ABORTED, type Clock } from './clock.ts';

/** Combines notifications into one wake-up. Those that arrive while the waiter works end its next wait. */
export class Notify {
  readonly #clock: Clock;
  #noticed = false;
  #wake: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  notify(): void {
    this.#noticed = true;
    this.#wake();
  }

  /** Resolves with true on a notification, with false after `ms` milliseconds or when `signal` aborts. */
  async wait(ms: number, signal: AbortSignal): Promise<boolean> {
    if (!this.#noticed && !signal.aborted) {
      const waiting = new AbortController();
      const end = (): void => waiting.abort(ABORTED);
      this.#wake = end;
      signal.addEventListener('abort', end, { once: true });
      await this.#clock.sleep(ms, waiting.signal);
      signal.removeEventListener('abort', end);
      this.#wake = () => undefined;
    }
    const noticed = this.#noticed;
    this.#noticed = false;
    return noticed;
  }
}
