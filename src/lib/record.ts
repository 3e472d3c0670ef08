/** Whether a value from outside is an object with fields: the first question of every decoder. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object with fields at `key`; an empty one where there is none. */
export function within(
  record: Readonly<Record<string, unknown>>,
  key: string,
): Readonly<Record<string, unknown>> {
  const value = record[key];
  return isRecord(value) ? value : {};
}
