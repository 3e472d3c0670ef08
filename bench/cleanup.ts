type End = () => Promise<unknown>;

/**
 * Does `work`, then each of `ends` in turn, even after a failure. Throws the first error: errors of the clean-up are mostly its
 * consequence, and are appended to it.
 */
export function thenEnd<T>(work: () => Promise<T>, ...ends: readonly End[]): Promise<T> {
  return ends.reduce<() => Promise<T>>((before, end) => () => endAfter(before, end), work)();
}

/** Waits for all, even after a failure, so that none continues after an error. */
export async function sideBySide<T extends readonly unknown[]>(
  ...all: { [K in keyof T]: Promise<T[K]> }
): Promise<T> {
  await Promise.allSettled(all);
  return Promise.all(all);
}

async function endAfter<T>(work: () => Promise<T>, end: End): Promise<T> {
  let result: T;
  try {
    result = await work();
  } catch (error) {
    await end().catch((other: unknown) => {
      // A process that exits by itself reports the same error to its user and to its stop.
      if (textOf(other) === textOf(error)) return;
      throw new Error(`${textOf(error)}\nand during clean-up: ${textOf(other)}`, { cause: error });
    });
    throw error;
  }
  await end();
  return result;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
