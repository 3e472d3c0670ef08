import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preserveWriteRecord, rootsIndexIn } from '../../../src/publish/write-record.ts';
import { RECORD } from './support.ts';

const PREFIX = 'ambassador-consul-connector';
const current = { [`${PREFIX}/written-at`]: RECORD.at, [`${PREFIX}/write-reason`]: RECORD.reason };
/** As versions before 1.0.0 wrote it. */
const former = {
  [`${PREFIX}/written-at`]: 'day 2',
  [`${PREFIX}/written-because`]: 'ageing: 39 % left',
  [`${PREFIX}/written-before`]: 'day 1 missing: nothing',
};

test('an object that does not exist, or has no record, gets that of the write', () => {
  for (const existing of [undefined, {}, { [`${PREFIX}/written-at`]: 'yesterday' }]) {
    assert.deepEqual(preserveWriteRecord(existing, true, RECORD), current);
  }
});

test('the record is unchanged while the data are, whatever version wrote it', () => {
  const next = { at: 'now', reason: 'repair: labels or annotations were modified' };
  assert.deepEqual(preserveWriteRecord({ ...current, other: 'x' }, true, next), current);
  assert.deepEqual(preserveWriteRecord(former, true, next), former);
});

test('the history of an older version is continued in the annotations of this one', () => {
  assert.deepEqual(preserveWriteRecord(former, false, RECORD), {
    ...current,
    [`${PREFIX}/write-history`]: 'day 2 ageing: 39 % left\nday 1 missing: nothing',
  });
});

test('the four previous writes are kept, the newest first, and long texts are cut', () => {
  let record = preserveWriteRecord(undefined, false, { at: 'day 1', reason: 'x'.repeat(100_000) });
  for (const day of [2, 3, 4, 5]) {
    record = preserveWriteRecord(record, false, { at: `day ${day}`, reason: 'renewal' });
  }
  const history = record[`${PREFIX}/write-history`] ?? '';
  const found = history.split('\n').map((line) => line.slice(0, 10));
  assert.deepEqual(found, ['day 4 rene', 'day 3 rene', 'day 2 rene', 'day 1 xxxx']);
  assert.ok(history.length < 1_000);

  record = preserveWriteRecord(record, false, { at: 'day 6', reason: 'renewal' });

  assert.equal(
    record[`${PREFIX}/write-history`],
    'day 5 renewal\nday 4 renewal\nday 3 renewal\nday 2 renewal',
  );
});

test('the index of the roots is that of the write in which the data changed', () => {
  const first = preserveWriteRecord(undefined, false, { ...RECORD, rootsIndex: 7n });
  const unchanged = preserveWriteRecord(first, true, { ...RECORD, rootsIndex: 8n });
  const changed = preserveWriteRecord(first, false, { ...RECORD, rootsIndex: 9n });
  assert.deepEqual([first, unchanged, changed].map(rootsIndexIn), [7n, 7n, 9n]);
});

for (const text of ['', 'abc', '-1', '7.5', 7, undefined]) {
  test(`an index of ${JSON.stringify(text)} is none`, () => {
    assert.equal(rootsIndexIn({ [`${PREFIX}/roots-index`]: text }), undefined);
  });
}
