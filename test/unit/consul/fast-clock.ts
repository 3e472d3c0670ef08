import { type Clock, systemClock } from '../../../src/lib/clock.ts';

/**
 * A clock that runs `factor` times as fast as the wall: minutes of waiting pass in milliseconds while sockets stay real.
 * Chance is always just below one, so every backoff is its longest.
 */
export function fastClock(factor: number): Clock {
  const startedAt = Date.now();
  const start = performance.now();
  const monotonic = (): number => (performance.now() - start) * factor;
  return {
    now: () => startedAt + monotonic(),
    monotonic,
    sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
    random: () => 0.999,
  };
}
