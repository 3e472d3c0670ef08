import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leafQuery } from '../../../src/consul/connect-ca.ts';
import { type Reply, refusal, runQuery } from './virtual-query.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

const runFor = (forMs: number, reply: (count: number, index: string | null) => Reply) =>
  runQuery(leafQuery('ambassador'), forMs, reply);

for (const index of ['7', '0', undefined]) {
  test(`a server that answers every query at once under index ${index ?? 'none'} gets five requests, then one a second`, async () => {
    const { sentAt, changes } = await runFor(MINUTE_MS + SECOND_MS / 2, () => ({ index }));
    // The second request waits until the process has handled the change.
    const rounded = sentAt.slice(0, 8).map((at) => Math.round(at / 10) * 10);
    assert.deepEqual(rounded, [0, 50, 50, 50, 50, 1_000, 2_000, 3_000]);
    assert.equal(sentAt.length, 5 + MINUTE_MS / SECOND_MS);
    assert.equal(changes.length, 1);
  });
}

test('15: `wait` ignored, answer after 10 minutes: not an error, no reconnect storm (consul #4462)', async () => {
  const { sentAt, errors, changes, timeouts } = await runFor(10 * MINUTE_MS, (_count, index) =>
    index === null ? { index: '7' } : 'hang',
  );
  assert.deepEqual([errors.length, changes.length], [0, 1]);
  // 63.125 s a block, then one query without an index: nine whole pairs in ten minutes, and half of the next.
  assert.equal(timeouts, 9);
  assert.equal(sentAt.length, 20);
});

test('errors back off to at most a minute', async () => {
  const { gaps } = await runFor(10 * MINUTE_MS, () => refusal('No cluster leader'));
  assert.deepEqual(gaps, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60, 60]);
});

test('an agent without servers, which answers from its cache and fails every blocking query, is queried less and less often', async () => {
  const { sentAt, errors } = await runFor(10 * MINUTE_MS, (_count, index) =>
    index === null ? { index: '7', age: '9' } : refusal('No known Consul servers'),
  );
  assert.equal(errors.length, 15);
  assert.ok(sentAt.length <= 2 * errors.length + 2, `${sentAt.length} requests`);
});

for (const [what, age, answers, gaps] of [
  ['a fresh answer resets', undefined, 1, [1, 2, 4, 8, 0, 1]],
  ['two answers from a cache reset', '9', 2, [1, 2, 4, 8, 0, 0, 1]],
  ['one answer from a cache does not reset', '9', 1, [1, 2, 4, 8, 0, 16]],
] as const) {
  test(`${what} the backoff`, async () => {
    const found = await runFor(MINUTE_MS, (count) =>
      count > 4 && count <= 4 + answers ? { age } : refusal('Consul is unavailable'),
    );
    assert.deepEqual(found.gaps.slice(0, gaps.length), gaps);
  });
}
