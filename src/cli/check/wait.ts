import { type Clock, withDeadline } from '../../lib/clock.ts';
import { orAborted } from '../../lib/or-aborted.ts';
import type { Report } from './check.ts';
import type { Row } from './result.ts';

/** The time limit of each side of one check. */
export const CHECK_DEADLINE_MS = 10_000;
/** Each check that logs in makes Consul store a token and delete it again. */
const PAUSE_MS = 2_000;
/** Reserved at the end of the wait for the logout of the last check and for reading files. */
const MAX_RESERVE_MS = 1_500;
/** A timeout of the API server is only a WARN in the report: a permission that could not be queried may exist. */
const TIMEOUTS: readonly (string | undefined)[] = ['CONSUL_TIMEOUT', 'KUBERNETES_TIMEOUT'];

/** One check; each side takes at most `deadlineMs`. */
type Check = (deadlineMs: number) => Promise<Report>;

/**
 * Repeats `check` until nothing fails or `waitMs` have passed, and resolves with the last report. An invalid configuration ends it
 * at once: the environment of a process does not change. A shortened check that times out counts only if it is the first: a
 * timeout caused by the end of the wait must not mask the real problem.
 *
 * @returns undefined if the first check did not end in time
 */
export function checkUntilGood(
  check: Check,
  waitMs: number,
  clock: Clock,
  parent: AbortSignal,
): Promise<Report | undefined> {
  const queriesEndAt = clock.monotonic() + waitMs - Math.min(MAX_RESERVE_MS, waitMs / 2);
  const leftMs = (): number => queriesEndAt - clock.monotonic();
  return withDeadline(clock, waitMs, parent, async (signal, timedOut) => {
    let last: Report | undefined;
    try {
      while (last === undefined || leftMs() > 0) {
        const deadlineMs = Math.max(1, Math.min(CHECK_DEADLINE_MS, leftMs()));
        const report = await orAborted(check(deadlineMs), signal);
        const isCutShort = deadlineMs < CHECK_DEADLINE_MS && report.rows.some(isTimeout);
        if (last === undefined || !isCutShort) last = report;
        if (!isCutShort && (report.ok || !report.configured)) break;
        await clock.sleep(Math.min(PAUSE_MS, Math.max(0, leftMs())), signal);
      }
    } catch (error) {
      if (!timedOut()) throw error;
    }
    return last;
  });
}

function isTimeout({ code }: Row): boolean {
  return TIMEOUTS.includes(code);
}
