import assert from 'node:assert/strict';
import type { Bed } from './bed.ts';
import type { Daemon } from './daemon.ts';
import { fastTimeOf } from './fast-time.ts';

/** For `check`: on a loaded machine ten seconds may not be enough for its requests, so they take a minute. */
export const unhurried = () => fastTimeOf(1 / 6, Date.now());

/** One row of `check --json`. */
export interface ReportRow {
  readonly check: string;
  readonly what: string;
  readonly status: 'pass' | 'warn' | 'fail' | 'skipped';
  readonly detail: string;
  readonly code?: string;
  readonly remedy?: string;
}

/** The output of `check --json`, once it has ended; its exit code matches the rows. */
export class Report {
  readonly rows: readonly ReportRow[];

  private constructor(rows: readonly ReportRow[]) {
    this.rows = rows;
  }

  static async of(command: Daemon): Promise<Report> {
    const { code } = await command.exited;
    const { ok, rows }: { ok: boolean; rows: ReportRow[] } = JSON.parse(command.stdout);
    assert.equal(ok, !rows.some(({ status }) => status === 'fail'));
    assert.equal(code, ok ? 0 : 1, command.stdout + command.stderr);
    return new Report(rows);
  }

  /** The row to fix first. */
  get firstFail(): ReportRow | undefined {
    return this.rows.find(({ status }) => status === 'fail');
  }

  get notPassed(): readonly ReportRow[] {
    return this.rows.filter(({ status }) => status !== 'pass');
  }

  row(check: string): ReportRow | undefined {
    return this.rows.find((row) => row.check === check);
  }
}

/** Runs `check --json` in `bed`. */
export function check(bed: Bed, env: Readonly<Record<string, string>> = {}): Promise<Report> {
  return Report.of(bed.start({ ...unhurried(), ...env }, ['check', '--json']));
}
