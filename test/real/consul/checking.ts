import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { startDaemon } from '../../e2e/support/daemon.ts';
import { Report, type ReportRow } from '../../e2e/support/report.ts';
import { folderFor } from './support.ts';

type Variables = Readonly<Record<string, string>>;

/** Into a folder, so that no row is about a cluster. */
export function checkOf(t: TestContext, env: Variables): Promise<Report> {
  return Report.of(startDaemon({ _OUTPUT_DIR: folderFor(t), ...env }, ['check', '--json']));
}

export async function passes(t: TestContext, env: Variables): Promise<void> {
  assert.deepEqual((await checkOf(t, env)).notPassed, []);
}

/** That `check` is the first row to fail, and for that reason, and that the rows after it do not pass by chance. */
export async function fails(t: TestContext, env: Variables, check: string, code: string): Promise<ReportRow> {
  const report = await checkOf(t, env);
  const [firstFail, ...others] = report.rows.filter(({ status }) => status === 'fail');
  assert.ok(firstFail !== undefined);
  assert.deepEqual([firstFail.check, firstFail.code], [check, code], firstFail.detail);
  assert.deepEqual(others, []);
  assert.equal(report.row('chain')?.status, 'skipped');
  return firstFail;
}
