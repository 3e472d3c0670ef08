import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { leafQuery, ROOTS_QUERY } from '../../../src/consul/connect-ca.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { withIndex } from '../../fixtures/consul/answer.ts';
import type { EmbeddedConsul } from '../../fixtures/consul/embedded-consul.ts';
import { startConsul, startQuery } from './clients.ts';
import { fastClock } from './fast-clock.ts';
import { type Reply, runQuery } from './virtual-query.ts';

/** The `index` of each request, in order. */
function indexes(consul: EmbeddedConsul): (string | null)[] {
  return consul.requests.map(({ query }) => query.get('index'));
}

/** A query that gets the current leaf at once under each of `given` in turn, and then blocks as with a real Consul. */
async function blocked(t: TestContext, given: readonly (string | undefined)[]) {
  const consul = await startConsul(t);
  const left = [...given];
  consul.script('leaf', async (_request, truth) =>
    left.length === 0 ? truth.blocked() : withIndex(await truth.now(), left.shift()),
  );
  const query = startQuery(t, consul);
  const count = given.length + 1;
  await eventually('the request after the scripted answers', () => consul.requests.length >= count);
  return { consul, query, sent: () => indexes(consul).slice(0, count) };
}

test('the first request has no index, the next that of the answer; each has the wait with its unit', async (t) => {
  const { consul } = await blocked(t, ['100', '18446744073709551615']);
  assert.deepEqual(indexes(consul), [null, '100', '18446744073709551615']);
  const found = consul.requests.map(({ query }) => query.get('wait'));
  assert.deepEqual(found, Array(3).fill('50000ms'));
});

for (const index of ['40', '0', undefined, 'abc']) {
  test(`after an answer under the index ${index ?? 'missing'} the next request has none, and its content is used`, async (t) => {
    const { consul, query, sent } = await blocked(t, ['100', index]);
    assert.deepEqual(sent(), [null, '100', null]);
    await consul.renewLeaf('ambassador');
    await eventually('the renewed leaf', () => query.answers.length === 2);
  });
}

test('new content under the same index is an answer (consul GH-4463)', async (t) => {
  const consul = await startConsul(t);
  consul.script('leaf', async (_request, truth) => withIndex(await truth.now(), 100));
  const query = startQuery(t, consul);
  await eventually('the first answer', () => query.answers.length === 1);
  const renewed = await consul.renewLeaf('ambassador');
  const second = await eventually('the second answer', () => query.answers[1]);
  assert.equal(second.privateKeyPem, renewed.issued.keyPem);
});

test('the same content under a new index is received and is no change', async (t) => {
  const { query } = await blocked(t, ['100', '101', '102']);
  assert.deepEqual([query.counts.responses, query.answers.length], [3, 1]);
});

test('a refetch ends the blocked request, and the new one has no index', async (t) => {
  const { consul, query } = await blocked(t, ['100']);
  query.refetch();
  await eventually('the new request', () => consul.requests.length >= 3);
  assert.deepEqual(indexes(consul).slice(0, 3), [null, '100', null]);
  assert.deepEqual(query.errors, []);
});

test('a refetch does not end a request without an index, so that its timeout is reported', async (t) => {
  const consul = await startConsul(t);
  consul.script('leaf', () => 'hang');
  const query = startQuery(t, consul, fastClock(10));
  await eventually('the request', () => consul.open('leaf') === 1);

  const refetching = setInterval(() => query.refetch(), 100);
  t.after(() => clearInterval(refetching));

  await eventually('the error', () => query.errors.length > 0);
  assert.deepEqual(
    query.errors.map(({ code }) => code),
    ['CONSUL_TIMEOUT'],
  );
});

test('a refetch during a request without an index is followed by another such request', async (t) => {
  const consul = await startConsul(t);
  let answer = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  consul.script('leaf', async (_, truth) => {
    if (consul.requests.length > 1) return undefined;
    await held;
    return truth.now();
  });
  const query = startQuery(t, consul);
  await eventually('the request', () => consul.open('leaf') === 1);

  query.refetch();
  answer();

  await eventually('the next', () => consul.requests.length >= 2);
  assert.deepEqual(indexes(consul).slice(0, 2), [null, null]);
  assert.deepEqual(query.errors, []);
});

test('T10: each timeout of a query without an index doubles the deadline of the next, up to that of a blocking one', async () => {
  const { errors } = await runQuery(leafQuery('ambassador'), 300_000, () => 'hang');
  assert.deepEqual(
    errors.slice(0, 4).map(({ message }) => /(\d+) ms/.exec(message)?.[1]),
    ['30000', '60000', '63125', '63125'],
  );
});

test('C9: a stale answer that is older than the last fresh one is no change, even if the fresh one was none either', async () => {
  const replies: Reply[] = [{}, { afterMs: 100_000 }, { afterMs: 1_000, age: '50', text: '{"Roots":[]}' }];
  const next = (): Reply => replies.shift() ?? 'hang';

  const { responses, changes, errors } = await runQuery(ROOTS_QUERY, 120_000, next);

  const ages = responses.map(({ freshness }) => freshness);
  assert.deepEqual(ages, ['fresh', 'fresh', 'stale']);
  assert.deepEqual([changes.length, errors], [1, []]);
});
