import { endAtOnce } from './end-process.ts';

/** Kubernetes and people expect a stop within two seconds, whatever hangs. */
const MAX_STOP_MS = 1_500;
/** The signal that ends the process at once: one to stop it, one out of impatience, one that means it. */
const LAST_SIGNAL = 3;

/**
 * Aborts on the first SIGTERM or SIGINT; if something hangs then, the process ends all the same, in time and with `code`. A
 * further signal while it stops changes nothing, since a terminal sends one to each program of a pipeline and people
 * repeat it; the third ends the process at once.
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
