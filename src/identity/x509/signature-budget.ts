/**
 * More than any honest answer needs. A decision has two budgets, for the bundle and for all else, so that a hostile answer holds
 * up the process for a second: with the slowest keys that OpenSSL knows a check takes three milliseconds.
 */
export const MAX_SIGNATURES = 150;

/** Undefined outside of every `withSignatureBudget`. */
let left: number | undefined;

/**
 * What `work` returns, with one budget of signature checks for all of it, whatever further budgets it asks for. What is known
 * from before is counted as well, so that the same input gives the same result.
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

/** Whether no further signature may be checked: what was not found by then was not looked for. */
export function areSignaturesSpent(): boolean {
  return left === 0;
}
