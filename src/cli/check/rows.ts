import { after, fail, type Row, type Subject, skip, skipAll } from './result.ts';

/** The rows in their order, however they were found. */
export class Rows {
  readonly #subjects: readonly Subject[];
  readonly #rows = new Map<string, Row>();

  constructor(subjects: readonly Subject[]) {
    this.#subjects = subjects;
  }

  put(row: Row): void {
    this.#rows.set(row.check, row);
  }

  has({ check }: Subject, status: Row['status']): boolean {
    return this.#rows.get(check)?.status === status;
  }

  /** The row of the error, and all that are not known with it skipped. */
  failed(subject: Subject, error: unknown, unknown: readonly Subject[] = []): Row[] {
    this.put(fail(subject, error));
    for (const row of skipAll(unknown, after(subject))) this.put(row);
    return this.rest();
  }

  /** Every row; those that were not put are skipped over the first failure. */
  rest(): Row[] {
    const cause = this.#subjects.find((subject) => this.has(subject, 'fail'));
    return this.#subjects.map(
      (subject) => this.#rows.get(subject.check) ?? skip(subject, cause === undefined ? '' : after(cause)),
    );
  }
}
