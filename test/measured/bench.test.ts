import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { markdown, type Row } from '../../bench/table.ts';

interface Printed {
  readonly machine: string;
  readonly ratios: Readonly<Record<string, unknown>>;
  readonly writes: Readonly<Record<string, number>>;
  readonly rows: readonly Row[];
}

const TEN_MINUTES_MS = 600_000;

test('a renewal is one write, a rotation two, restarts, leaf churn and a second replica are none', {
  timeout: TEN_MINUTES_MS,
}, async (t) => {
  // Not rejecting: the exit code is the verdict on the writes, which are asserted below.
  const stdout = await promisify(execFile)(process.execPath, [
    '--import',
    'tsx',
    'bench/main.ts',
    '--quick',
    '--double',
    '--json',
  ]).then(
    (result) => result.stdout,
    (error: { stdout: string; stderr: string }) => error.stdout || assert.fail(error.stderr),
  );

  const { machine, ratios, writes, rows }: Printed = JSON.parse(stdout);
  t.diagnostic(machine);
  // The other figures are only reported: they depend on the machine.
  for (const line of markdown(rows).split('\n')) t.diagnostic(line);
  assert.deepEqual(writes, {
    renewal: 1,
    rotation: 2,
    restart: 0,
    agentRestart: 0,
    flap: 0,
    secondReplica: 0,
  });
  assert.deepEqual(Object.keys(ratios), [
    'start',
    'startPlain',
    'change',
    'folderChange',
    'rssMiB',
    'rssAfterChangesMiB',
    'idleCpu',
  ]);
  // Infinity and NaN, of a baseline that was not measured, are null in JSON.
  for (const ratio of Object.values(ratios)) assert.equal(typeof ratio, 'number');
});
