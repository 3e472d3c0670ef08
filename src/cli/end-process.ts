import { setTimeout as sleep } from 'node:timers/promises';
import { isThreadPoolBusy } from '../lib/thread-pool.ts';

const SETTLED_WITHIN_MS = 200;
const POLL_MS = 10;

/** Waits briefly for pending reads, lookups and output. */
async function settled(): Promise<void> {
  const isBusy = (): boolean => isThreadPoolBusy() || process.stdout.writableLength > 0;
  for (let waitedMs = 0; isBusy() && waitedMs < SETTLED_WITHIN_MS; waitedMs += POLL_MS) await sleep(POLL_MS);
}

/** Ends the process with `code`, after a short wait for pending work. */
export async function endProcess(code: number): Promise<never> {
  await settled();
  return endAtOnce(code);
}

/**
 * Ends the process. `process.exit` waits for the threads that read files and resolve names, which a dead mount blocks forever.
 * If such a thread is busy, the process kills itself, without an exit code. As PID 1 of a container it can only abort.
 */
export function endAtOnce(code: number): never {
  if (isThreadPoolBusy()) {
    process.kill(process.pid, 'SIGKILL');
    process.abort();
  }
  process.exit(code);
}
