/** A small change of a decision that would harm a user, and that a unit test must notice. */
export interface Mutant {
  /** Below `src/`. */
  readonly file: string;
  /** What the connector does with it. */
  readonly harm: string;
  /** Occurs exactly once in the file. */
  readonly before: string;
  readonly after: string;
  /** Below `test/unit/`: the tests that are most likely to fail. */
  readonly tests: readonly string[];
}

/** The source with the change of `mutant`; undefined if it no longer applies. */
export function applied({ before, after }: Mutant, source: string): string | undefined {
  const parts = source.split(before);
  return parts.length === 2 ? parts.join(after) : undefined;
}
