/** Wait after the `attempt`-th failure in a row (from 1), in milliseconds: exponential with full jitter. */
export function backoffMs(attempt: number, random: () => number, capMs = 60_000, baseMs = 500): number {
  return Math.round(random() * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30)));
}
