import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { markdown, type Row } from '../../bench/table.ts';

const TEN_MINUTES_MS = 600_000;

test('a renewal is one write, a rotation two, restarts, leaf churn and a second replica are none', {
  timeout: TEN_MINUTES_MS,
}, async (t) => {
  // Not rejecting: the exit code is the verdict on the writes, which are looked at below.
  const stdout = await promisify(execFile)(process.execPath, [
    '--import',
    'tsx',
    'bench/main.ts',
    '--quick',
    '--json',
  ]).then(
    (result) => result.stdout,
    (error: { stdout: string; stderr: string }) => error.stdout || assert.fail(error.stderr),
  );

  const { machine, rows }: { machine: string; rows: Row[] } = JSON.parse(stdout);
  t.diagnostic(machine);
  // The other figures are a report: CI's machine is anybody's.
  for (const line of markdown(rows).split('\n')) t.diagnostic(line);
  const writes = rows.filter(({ figure }) => figure.startsWith('writes for'));
  assert.deepEqual(
    writes.map(({ connector }) => connector),
    [1, 2, 0, 0, 0, 0],
  );
});
