/** Time, sleep and chance, passed in so that tests can replace them. */
export interface Clock {
  /** Milliseconds since the epoch, for what others date, such as certificates. Whoever sets the machine's clock moves it. */
  now(): number;
  /** Milliseconds since some moment, for how long something takes: nobody sets it. */
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

/** To end a sleep with: without a reason, each abort makes an error with a stack that nobody reads. */
export const ABORTED = 'over';

/**
 * Runs `work` with a signal that aborts when `parent` does or after `ms` milliseconds; `timedOut()` tells which.
 * A controller of its own, because `AbortSignal.any` with a long-lived signal leaks (nodejs/node #54614).
 */
export async function withDeadline<T>(
  clock: Clock,
  ms: number,
  parent: AbortSignal,
  work: (signal: AbortSignal, timedOut: () => boolean) => Promise<T>,
): Promise<T> {
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
  try {
    return await work(request.signal, () => timedOut);
  } finally {
    parent.removeEventListener('abort', onParentAbort);
    finished.abort(ABORTED);
  }
}
