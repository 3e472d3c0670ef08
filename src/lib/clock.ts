/** Time, sleep and randomness, passed in so that tests can replace them. */
export interface Clock {
  /** Milliseconds since the epoch, to compare with outside dates, such as those of certificates. Jumps when the clock is set. */
  now(): number;
  /** Milliseconds since an arbitrary start, for durations: unaffected by changes of the system clock. */
  monotonic(): number;
  /** Resolves after `ms` milliseconds, or at once when `signal` aborts. Never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** A number in [0, 1). */
  random(): number;
}

/** setTimeout fires at once above this (2^31 - 1 ms, 24.8 days). */
const MAX_TIMER_MS = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const finish = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, Math.min(Math.max(ms, 0), MAX_TIMER_MS));
      signal.addEventListener('abort', finish, { once: true });
    }),
};

/** The reason for aborting a sleep: without one, each abort creates an Error with a stack. */
export const ABORTED = 'over';

export interface Deadline {
  /** Aborts when the parent does, or at the deadline. */
  readonly signal: AbortSignal;
  /** Whether the deadline aborted it. */
  readonly timedOut: () => boolean;
  /** To be called when the work is done, for the clock and the parent to forget it. */
  readonly end: () => void;
}

/** Not `AbortSignal.any`, which leaks with a long-lived signal (nodejs/node #54614). */
export function startDeadline(clock: Clock, ms: number, parent: AbortSignal): Deadline {
  const request = new AbortController();
  const finished = new AbortController();
  let timedOut = false;
  const onParentAbort = (): void => request.abort();
  if (parent.aborted) request.abort();
  parent.addEventListener('abort', onParentAbort, { once: true });
  void clock.sleep(ms, finished.signal).then(() => {
    if (finished.signal.aborted) return;
    timedOut = true;
    request.abort();
  });
  const end = (): void => {
    parent.removeEventListener('abort', onParentAbort);
    finished.abort(ABORTED);
  };
  return { signal: request.signal, timedOut: () => timedOut, end };
}

/** Runs `work` with a signal that aborts when `parent` does or after `ms` milliseconds; `timedOut()` is true for the latter. */
export async function withDeadline<T>(
  clock: Clock,
  ms: number,
  parent: AbortSignal,
  work: (signal: AbortSignal, timedOut: () => boolean) => Promise<T>,
): Promise<T> {
  const { signal, timedOut, end } = startDeadline(clock, ms, parent);
  try {
    return await work(signal, timedOut);
  } finally {
    end();
  }
}
