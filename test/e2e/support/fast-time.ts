import { fileURLToPath } from 'node:url';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';

/** Not an ES module: `--import` would make Node load the daemon as one as well, and keep its source text a second time. */
const SCRIPT = fileURLToPath(new URL('./fast-time.cjs', import.meta.url));

/**
 * A clock that runs `speed` times as fast as the machine's, from `origin` on (milliseconds since the epoch). The daemon
 * gets the same one by `fast-time.cjs`: a connector sends each of its queries about once a second at most, so that
 * 10,000 renewals would take three hours of the machine's own time.
 */
export function fastClock(speed: number, origin: number): Clock {
  return {
    now: () => Math.floor(origin + (Date.now() - origin) * speed),
    monotonic: () => performance.now() * speed,
    sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
    random: systemClock.random,
  };
}

export interface FastTime {
  readonly NODE_OPTIONS: string;
  readonly [variable: string]: string;
}

/** What a daemon's environment must hold for its time to run so. Its deadlines shrink with it: a loaded machine needs a low speed. */
export function fastTimeOf(speed: number, origin: number): FastTime {
  return {
    NODE_OPTIONS: `--require="${SCRIPT}"`,
    FAST_TIME_SPEED: String(speed),
    FAST_TIME_ORIGIN: String(origin),
  };
}
