import { setTimeout as sleep } from 'node:timers/promises';
import { isThreadPoolBusy } from '../lib/thread-pool.ts';

const SETTLED_WITHIN_MS = 200;
const POLL_MS = 10;

/** Waits, but not for long, for what is being read or resolved, and for who reads the last lines of the output. */
async function settled(): Promise<void> {
  const isBusy = (): boolean => isThreadPoolBusy() || process.stdout.writableLength > 0;
  for (let waitedMs = 0; isBusy() && waitedMs < SETTLED_WITHIN_MS; waitedMs += POLL_MS) await sleep(POLL_MS);
}

/** Ends the process with `code`, soon. */
export async function endProcess(code: number): Promise<never> {
  await settled();
  return endAtOnce(code);
}

/**
 * Ends the process. `process.exit` waits for the threads that read files and resolve names, which a dead mount holds for ever:
 * where one is at work the process kills itself, and there is no exit code. As the first one of a container it can only abort.
 */
export function endAtOnce(code: number): never {
  if (isThreadPoolBusy()) {
    process.kill(process.pid, 'SIGKILL');
    process.abort();
  }
  process.exit(code);
}
