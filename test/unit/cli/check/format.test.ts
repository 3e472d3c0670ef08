import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderJson, renderTable } from '../../../../src/cli/check/format.ts';
import { fail, pass, skip, warn } from '../../../../src/cli/check/result.ts';
import { ConfigurationError, ConsulError } from '../../../../src/errors.ts';

const WAY = { check: 'way', what: 'the way' };
const TOKEN = { check: 'token', what: 'its token' };
const LEAF = { check: 'leaf', what: 'leaf' };

const LONG = `attach ${'a policy and '.repeat(20)}no more`;
const rows = [
  pass(WAY, 'there'),
  warn(TOKEN, 'old'),
  fail(LEAF, new ConsulError('CONSUL_PERMISSION_DENIED', 'denied', { remedy: LONG })),
  skip({ check: 'chain', what: 'chain' }, 'after that'),
];

test('a row has status, subject and detail in columns; a remedy is on one line below, however long', () => {
  assert.deepEqual(renderTable({ ok: false, configured: true, rows }).split('\n'), [
    'PASS     the way    there',
    'WARN     its token  old',
    'FAIL     leaf       denied',
    `                    -> ${LONG}`,
    'skipped  chain      after that',
    '',
    '1 PASS, 1 WARN, 1 FAIL, 1 skipped. Fix the first FAIL first: leaf',
    '',
  ]);
});

test('without a FAIL the summary names none', () => {
  const table = renderTable({ ok: true, configured: true, rows: rows.slice(0, 2) });
  assert.match(table, /\n1 PASS, 1 WARN, 0 FAIL, 0 skipped\n$/);
});

test('the problems of a configuration are aligned below one another', () => {
  const row = fail(WAY, new ConfigurationError(['one', 'two']));
  const [first, second, third] = renderTable({ ok: false, configured: false, rows: [row] }).split('\n');
  assert.equal(first, 'FAIL     the way  the configuration is invalid:');
  assert.deepEqual(
    [second, third],
    ['one', 'two'].map((problem) => `${' '.repeat(18)}  - ${problem}`),
  );
});

test('the JSON has the same rows, and whether every check passed', () => {
  const report: { rows: { code?: string }[] } = JSON.parse(renderJson({ ok: false, configured: true, rows }));
  assert.deepEqual(report, { ok: false, rows });
  assert.equal(report.rows[2]?.code, 'CONSUL_PERMISSION_DENIED');
});

test('S8: a text of Consul can neither colour a row nor add one', () => {
  const row = pass(WAY, 'the trust domain is a\u001b[31m\nPASS     forged');
  assert.match(
    renderTable({ ok: true, configured: true, rows: [row] }),
    /^PASS {5}the way {2}the trust domain is a\\u001b\[31m\\u000aPASS {5}forged\n\n/,
  );
});

test('at a terminal only the statuses are in colour', () => {
  const report = { ok: false, configured: true, rows };
  const table = renderTable(report, true).replaceAll('\u001b', 'ESC');
  assert.match(table, /^ESC\[32mPASS {5}ESC\[0m/);
  assert.match(table, /^ESC\[31mFAIL {5}ESC\[0m/m);
  assert.equal(table.replaceAll(/ESC\[\d+m/g, ''), renderTable(report));
});
