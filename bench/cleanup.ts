type End = () => Promise<unknown>;

/**
 * Does `work`, then each of `ends` in turn, whatever fails. The first error is the one that is thrown: what goes wrong in ending
 * mostly comes of it, and stands behind it.
 */
export function thenEnd<T>(work: () => Promise<T>, ...ends: readonly End[]): Promise<T> {
  return ends.reduce<() => Promise<T>>((before, end) => () => endAfter(before, end), work)();
}

/** Waits for all, whatever fails, so that none goes on behind an error. */
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
      // A process that ended by itself says so to who worked with it and to who stops it.
      if (textOf(other) === textOf(error)) return;
      throw new Error(`${textOf(error)}\nand in ending: ${textOf(other)}`, { cause: error });
    });
    throw error;
  }
  await end();
  return result;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
