import assert from 'node:assert/strict';
import { startDaemon } from '../../e2e/support/daemon.ts';
import { Report, type ReportRow } from '../../e2e/support/report.ts';
import { temporary } from '../../e2e/support/temporary.ts';
import type { Variables } from './support.ts';

/** Into a folder, so that no row is about a cluster. */
export function checkOf(env: Variables): Promise<Report> {
  return Report.of(startDaemon({ _OUTPUT_DIR: temporary(), ...env }, ['check', '--json']));
}

export async function passes(env: Variables): Promise<void> {
  assert.deepEqual((await checkOf(env)).notPassed, []);
}

/** That `check` is the first row to fail, and for that reason, and that the rows after it do not pass by chance. */
export async function fails(env: Variables, check: string, code: string): Promise<ReportRow> {
  const report = await checkOf(env);
  const [firstFail, ...others] = report.rows.filter(({ status }) => status === 'fail');
  assert.ok(firstFail !== undefined);
  assert.deepEqual([firstFail.check, firstFail.code], [check, code], firstFail.detail);
  assert.deepEqual(others, []);
  assert.equal(report.row('chain')?.status, 'skipped');
  return firstFail;
}
