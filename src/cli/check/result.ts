import { ConnectorError, describeError } from '../../errors.ts';
import { printable } from '../../lib/foreign-text.ts';

export type Status = 'pass' | 'warn' | 'fail' | 'skipped';

/** The result of one check. */
export interface Row {
  /** Stable, for programs. */
  readonly check: string;
  /** The name of the check, for people. */
  readonly what: string;
  readonly status: Status;
  /** The finding; for a skipped row, the reason. */
  readonly detail: string;
  /** The error code, as in the daemon's log. */
  readonly code?: string;
  readonly remedy?: string;
}

/** A row without a result. */
export type Subject = Pick<Row, 'check' | 'what'>;

export function pass(subject: Subject, detail: string): Row {
  return { ...subject, status: 'pass', detail: printable(detail) };
}

export function warn(subject: Subject, detail: string, remedy?: string): Row {
  return { ...subject, status: 'warn', detail, ...(remedy === undefined ? {} : { remedy }) };
}

export interface Problem {
  readonly detail: string;
  readonly remedy: string;
}

/** One row for several problems, each on its own line. */
export function warnOf(subject: Subject, problems: readonly Problem[]): Row {
  const lines = (of: keyof Problem): string => problems.map((problem) => problem[of]).join('\n');
  return warn(subject, lines('detail'), lines('remedy'));
}

/** The row of an error, with the text that the daemon would log. Configuration problems are on one line each. */
export function fail(subject: Subject, error: unknown, status: 'fail' | 'warn' = 'fail'): Row {
  const { code, error: detail, remedy } = describeError(error);
  return { ...subject, status, detail, code, ...(remedy === undefined ? {} : { remedy }) };
}

export function skip(subject: Subject, because: string): Row {
  return { ...subject, status: 'skipped', detail: because };
}

/** Rows that depend on a failed one are skipped: a PASS there would be misleading. */
export function skipAll(subjects: readonly Subject[], because: string): Row[] {
  return subjects.map((subject) => skip(subject, because));
}

/** The reason that the rows after `cause` are skipped. */
export function after(cause: Subject): string {
  return `depends on: ${cause.what}`;
}

/** Rethrows anything else: it is a bug of this program, not a fault of the set-up. */
export function asConnectorError(error: unknown): ConnectorError {
  if (error instanceof ConnectorError) return error;
  throw error;
}

/** Collects rows in any order, and returns them in that of the subjects. */
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

  /** Adds the row of the error, skips the `unknown` rows, and returns all rows. */
  failed(subject: Subject, error: unknown, unknown: readonly Subject[] = []): Row[] {
    this.put(fail(subject, error));
    for (const row of skipAll(unknown, after(subject))) this.put(row);
    return this.rest();
  }

  /** Every row; missing ones are skipped because of the first failure. */
  rest(): Row[] {
    const cause = this.#subjects.find((subject) => this.has(subject, 'fail'));
    return this.#subjects.map(
      (subject) => this.#rows.get(subject.check) ?? skip(subject, cause === undefined ? '' : after(cause)),
    );
  }
}
