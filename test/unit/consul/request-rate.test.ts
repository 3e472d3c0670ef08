import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlockingQuery } from '../../../src/consul/blocking-query.ts';
import { leafQuery } from '../../../src/consul/connect-ca.ts';
import type { Connection, ConsulAnswer } from '../../../src/consul/connection.ts';
import { errorOfStatus } from '../../../src/consul/errors/status.ts';
import { noAnswerInTime } from '../../../src/consul/errors/transport.ts';
import { ConsulError } from '../../../src/errors.ts';
import { VirtualTime } from '../../simulation/virtual-time.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const LEAF = JSON.stringify({ CertPEM: 'a certificate', PrivateKeyPEM: 'a key' });

/** An answer at once, a refusal, or none before the deadline. */
type Reply = Partial<ConsulAnswer> | ConsulError | 'hang';

function refusal(text: string): ConsulError {
  return errorOfStatus(500, text, { service: 'ambassador', token: 'none' });
}

/** Runs the leaf query for `forMs` of a time in which only waiting takes time; every backoff is its longest. */
async function runFor(forMs: number, reply: (asked: number, index: string | null) => Reply) {
  const start = Date.UTC(2030, 0, 15, 12);
  const time = new VirtualTime(start, () => 0.999);
  const sentAt: number[] = [];
  const errors: string[] = [];
  const counts = { answers: 0, timeouts: 0 };
  const get: Connection['get'] = async (_path, query, deadlineMs, signal) => {
    sentAt.push(time.now - start);
    const answer = reply(sentAt.length, query.get('index'));
    if (answer instanceof ConsulError) throw answer;
    if (answer !== 'hang') return { text: LEAF, index: undefined, age: undefined, ...answer };
    await time.sleep(deadlineMs, signal);
    throw noAnswerInTime('http://consul.example:8500', deadlineMs, undefined);
  };
  const query = new BlockingQuery({
    connection: { get, getFromAny: () => Promise.reject(new Error('not used')) },
    query: leafQuery('ambassador'),
    waitMs: 50 * SECOND_MS,
    clock: time.clock,
    onChange: () => {
      counts.answers += 1;
    },
    onResponse: () => undefined,
    onError: ({ code }) => errors.push(code),
    onTimeout: () => {
      counts.timeouts += 1;
    },
  });
  const stop = new AbortController();
  const running = query.run(stop.signal);
  await time.run(start + forMs, () => undefined);
  stop.abort();
  await running;
  return { sentAt, errors, ...counts };
}

for (const index of ['7', '0', undefined]) {
  test(`a server that answers every query at once under index ${index ?? 'none'} gets five requests, then one a second`, async () => {
    const { sentAt, answers } = await runFor(MINUTE_MS + SECOND_MS / 2, () => ({ index }));
    // The second one lets what the news leads to go first.
    const rounded = sentAt.slice(0, 8).map((at) => Math.round(at / 10) * 10);
    assert.deepEqual(rounded, [0, 50, 50, 50, 50, 1_000, 2_000, 3_000]);
    assert.equal(sentAt.length, 5 + MINUTE_MS / SECOND_MS);
    assert.equal(answers, 1);
  });
}

test('15: `wait` ignored, answer after 10 minutes: not an error, no reconnect storm (consul #4462)', async () => {
  const { sentAt, errors, answers, timeouts } = await runFor(10 * MINUTE_MS, (_asked, index) =>
    index === null ? { index: '7' } : 'hang',
  );
  assert.deepEqual([errors, answers], [[], 1]);
  // 63.125 s a block, then one query without an index: nine whole pairs in ten minutes, and half of the next.
  assert.equal(timeouts, 9);
  assert.equal(sentAt.length, 20);
});

test('errors back off to at most a minute', async () => {
  const { sentAt } = await runFor(10 * MINUTE_MS, () => refusal('No cluster leader'));
  const gaps = sentAt.slice(1).map((at, index) => Math.round((at - (sentAt[index] ?? 0)) / SECOND_MS));
  assert.deepEqual(gaps, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60, 60]);
});

test('an agent that answers from its cache, and fails every blocking query for lack of its servers, is queried less and less often', async () => {
  const { sentAt, errors } = await runFor(10 * MINUTE_MS, (_asked, index) =>
    index === null ? { index: '7', age: '9' } : refusal('No known Consul servers'),
  );
  assert.equal(errors.length, 15);
  assert.ok(sentAt.length <= 2 * errors.length + 2, `${sentAt.length} requests`);
});

for (const [what, age, successes] of [
  ['a fresh answer resets', undefined, 1],
  ['two answers from a cache reset', '9', 2],
] as const) {
  test(`${what} the backoff`, async () => {
    const { sentAt } = await runFor(MINUTE_MS, (asked) =>
      asked > 4 && asked <= 4 + successes ? { age } : refusal('Consul is unavailable'),
    );
    const gaps = sentAt.slice(1).map((at, index) => Math.round((at - (sentAt[index] ?? 0)) / SECOND_MS));
    assert.deepEqual(gaps.slice(0, 4), [1, 2, 4, 8]);
    assert.equal(gaps[4 + successes], 1, 'the first failure after the success');
  });
}

test('one answer from a cache does not reset the backoff', async () => {
  const { sentAt } = await runFor(MINUTE_MS, (asked) =>
    asked === 5 ? { age: '9' } : refusal('Consul is unavailable'),
  );
  const gaps = sentAt.slice(1).map((at, index) => Math.round((at - (sentAt[index] ?? 0)) / SECOND_MS));
  assert.deepEqual(gaps.slice(0, 6), [1, 2, 4, 8, 0, 16]);
});
