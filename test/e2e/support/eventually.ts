import { setTimeout as sleep } from 'node:timers/promises';

/** Polls back off with the time waited: polling takes CPU time from what is awaited. */
const SHARE_OF_THE_WAIT = 1 / 8;
const AT_LEAST_MS = 10;
const AT_MOST_MS = 200;

/**
 * Resolves with what `look` finds, once it is neither undefined nor false.
 *
 * @throws Error naming `what` when that does not happen within `withinMs`, which by default is far more than it takes
 */
export async function eventually<T>(
  what: string | (() => string),
  look: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = 60_000,
): Promise<T> {
  const from = performance.now();
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    const waited = performance.now() - from;
    if (waited > withinMs) {
      throw new Error(`not within ${withinMs} ms: ${typeof what === 'string' ? what : what()}`);
    }
    await sleep(Math.min(Math.max(waited * SHARE_OF_THE_WAIT, AT_LEAST_MS), AT_MOST_MS));
  }
}
