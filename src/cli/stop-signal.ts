import { endAtOnce } from './end-process.ts';

/** Kubernetes and users expect a stop within two seconds, even if something hangs. */
const MAX_STOP_MS = 1_500;
/** The third signal ends the process at once: the second may be an accidental repetition. */
const LAST_SIGNAL = 3;

/**
 * Aborts on the first SIGTERM or SIGINT; if something hangs, the process still ends in time, with `code`. A second signal is
 * ignored, because a terminal sends one to each program of a pipeline and users repeat it. The third ends the process at once.
 */
export function stopSignal(code: number, onStop: (name: string) => void = () => undefined): AbortSignal {
  const stop = new AbortController();
  let received = 0;
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      received += 1;
      if (received === LAST_SIGNAL) endAtOnce(code);
      if (received > 1) return;
      onStop(name);
      stop.abort();
      setTimeout(() => endAtOnce(code), MAX_STOP_MS).unref();
    });
  }
  return stop.signal;
}
