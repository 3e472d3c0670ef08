import { ConnectorError, describeError } from '../../errors.ts';
import { printable } from '../../lib/foreign-text.ts';

export type Status = 'pass' | 'warn' | 'fail' | 'skipped';

/** One thing that can be wrong, and whether it is. */
export interface Row {
  /** Stable, for programs. */
  readonly check: string;
  /** What is looked at, for people. */
  readonly what: string;
  readonly status: Status;
  /** What was found; of a skipped row, why it means nothing. */
  readonly detail: string;
  /** The code of the error, as in the log of the daemon. */
  readonly code?: string;
  readonly remedy?: string;
}

/** A row that is still to be judged. */
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

/** One row for several, each in a line of its own. */
export function warnOf(subject: Subject, problems: readonly Problem[]): Row {
  const lines = (of: keyof Problem): string => problems.map((problem) => problem[of]).join('\n');
  return warn(subject, lines('detail'), lines('remedy'));
}

/** The row of an error, in the words the daemon would log. A configuration has its problems in one line each. */
export function fail(subject: Subject, error: unknown, status: 'fail' | 'warn' = 'fail'): Row {
  const { code, error: detail, remedy } = describeError(error);
  return { ...subject, status, detail, code, ...(remedy === undefined ? {} : { remedy }) };
}

export function skip(subject: Subject, because: string): Row {
  return { ...subject, status: 'skipped', detail: because };
}

/** Every row after the cause means nothing, and a PASS there would be a lie. */
export function skipAll(subjects: readonly Subject[], because: string): Row[] {
  return subjects.map((subject) => skip(subject, because));
}

/** Why the rows after `cause` are skipped. */
export function after(cause: Subject): string {
  return `nothing to see before this is right: ${cause.what}`;
}

/** Rethrows what is a fault of this program and not of the set-up. */
export function asConnectorError(error: unknown): ConnectorError {
  if (error instanceof ConnectorError) return error;
  throw error;
}

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
