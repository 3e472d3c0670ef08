/**
 * More than any legitimate answer needs. A decision has two budgets, one for the bundle and one for the rest, so that a hostile
 * answer blocks the process for at most a second: with the slowest keys in OpenSSL a check takes three milliseconds.
 */
export const MAX_SIGNATURES = 150;

/** Undefined outside of `withSignatureBudget`. */
let left: number | undefined;

/**
 * Runs `work` with one budget of signature checks, shared with nested calls. Cached results count as well, so that the same input
 * gives the same result.
 */
export function withSignatureBudget<T>(work: () => T): T {
  if (left !== undefined) return work();
  left = MAX_SIGNATURES;
  try {
    return work();
  } finally {
    left = undefined;
  }
}

/** Whether one more signature may be checked. */
export function spendSignature(): boolean {
  if (left === undefined) return true;
  if (left === 0) return false;
  left -= 1;
  return true;
}

/** Whether the budget is spent, so that a search may be incomplete. */
export function areSignaturesSpent(): boolean {
  return left === 0;
}
