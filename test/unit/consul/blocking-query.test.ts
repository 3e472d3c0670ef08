import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { BlockingQuery } from '../../../src/consul/blocking-query.ts';
import { ROOTS_QUERY } from '../../../src/consul/connect-ca.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { type Answer, withAge, withIndex, withJson } from '../../fixtures/consul/answer.ts';
import type { EmbeddedConsul } from '../../fixtures/consul/embedded-consul.ts';
import type { LeafJson } from '../../fixtures/consul/wire.ts';
import { ask, connect, indexes, startConsul } from './asking.ts';
import { fastClock } from './fast-clock.ts';

/** Gives the true leaf at once under each of `given` in turn, then blocks as Consul does. */
function answerUnder(consul: EmbeddedConsul, given: readonly (string | undefined)[]): void {
  const left = [...given];
  consul.script('leaf', async (_request, truth) =>
    left.length === 0 ? truth.blocked() : withIndex(await truth.now(), left.shift()),
  );
}

async function blocked(t: TestContext, given: readonly (string | undefined)[]) {
  const consul = await startConsul(t);
  answerUnder(consul, given);
  const asking = ask(t, consul);
  const count = given.length + 1;
  await eventually('the request after the scripted answers', () => consul.requests.length >= count);
  return { consul, asking, sent: () => indexes(consul).slice(0, count) };
}

test('the first request has no index, the next that of the answer; each has the wait with its unit', async (t) => {
  const { consul } = await blocked(t, ['100', '18446744073709551615']);
  assert.deepEqual(indexes(consul), [null, '100', '18446744073709551615']);
  const found = consul.requests.map(({ query }) => query.get('wait'));
  assert.deepEqual(found, Array(3).fill('50000ms'));
});

for (const index of ['40', '0', undefined, 'abc']) {
  test(`after an answer under the index ${index ?? 'missing'} the next request has none, and its content is used`, async (t) => {
    const { consul, asking, sent } = await blocked(t, ['100', index]);
    assert.deepEqual(sent(), [null, '100', null]);
    await consul.renewLeaf('ambassador');
    await eventually('the renewed leaf', () => asking.answers.length === 2);
  });
}

test('new content under the same index is an answer (consul GH-4463)', async (t) => {
  const consul = await startConsul(t);
  consul.script('leaf', async (_request, truth) => withIndex(await truth.now(), 100));
  const asking = ask(t, consul);
  await eventually('the first answer', () => asking.answers.length === 1);
  const renewed = await consul.renewLeaf('ambassador');
  const second = await eventually('the second answer', () => asking.answers[1]);
  assert.equal(second.privateKeyPem, renewed.issued.keyPem);
});

test('the same content under a new index is received and is no change', async (t) => {
  const { asking } = await blocked(t, ['100', '101', '102']);
  assert.deepEqual([asking.responses, asking.answers.length], [3, 1]);
});

test('an answer that cannot be used leaves the last good one and the next good one is taken', async (t) => {
  const consul = await startConsul(t);
  const without = (field: keyof LeafJson) => (leaf: LeafJson) => ({ ...leaf, [field]: '' });
  const changes = [without('CertPEM'), undefined];
  consul.script('leaf', async (_request, truth) => {
    const change = changes.shift();
    return change === undefined ? truth.blocked() : withJson<LeafJson>(await truth.now(), change);
  });

  const asking = ask(t, consul);

  await eventually('the good answer', () => asking.answers.length === 1);
  const codes = asking.errors.map(({ code }) => code);
  assert.deepEqual(codes, ['CONSUL_INVALID_RESPONSE']);
});

test('asking again ends the blocked request and the new one has no index', async (t) => {
  const { consul, asking } = await blocked(t, ['100']);
  asking.refetch();
  await eventually('the new request', () => consul.requests.length >= 3);
  assert.deepEqual(indexes(consul).slice(0, 3), [null, '100', null]);
  assert.deepEqual(asking.errors, []);
});

test('asking again does not end a request without an index, so that its timeout is reported', async (t) => {
  const consul = await startConsul(t);
  consul.script('leaf', () => 'hang');
  const asking = ask(t, consul, { clock: fastClock(10) });
  await eventually('the request', () => consul.open('leaf') === 1);

  const asker = setInterval(() => asking.refetch(), 100);
  t.after(() => clearInterval(asker));

  await eventually('the error', () => asking.errors.length > 0);
  assert.deepEqual(
    asking.errors.map(({ code }) => code),
    ['CONSUL_TIMEOUT'],
  );
});

test('asking again while a request without an index is under way is followed by another one', async (t) => {
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
  const asking = ask(t, consul);
  await eventually('the request', () => consul.open('leaf') === 1);

  asking.refetch();
  answer();

  await eventually('the next', () => consul.requests.length >= 2);
  assert.deepEqual(indexes(consul).slice(0, 2), [null, null]);
  assert.deepEqual(asking.errors, []);
});

test('a stop ends a blocked request at once, without an error', async (t) => {
  const { consul, asking } = await blocked(t, ['100']);
  await asking.stop();
  await eventually('the end of the request', () => consul.open('leaf') === 0, 500);
  assert.deepEqual(asking.errors, []);
});

test('T10: each timeout of a query without an index doubles the deadline of the next, up to that of a blocking one', async (t) => {
  const consul = await startConsul(t);
  consul.script('leaf', () => 'hang');
  const asking = ask(t, consul, { clock: fastClock(300), waitMs: 100_000 });
  await eventually('four errors', () => asking.errors.length >= 4);
  assert.deepEqual(
    asking.errors.slice(0, 4).map(({ message }) => /(\d+) ms/.exec(message)?.[1]),
    ['30000', '60000', '116250', '116250'],
  );
});

test('C9: a stale answer that is older than the last fresh one is no change, even if that one was none either', async (t) => {
  const consul = await startConsul(t);
  let seconds = 0;
  const left: { at: number; change?: (fresh: Answer) => Answer }[] = [
    { at: 0 },
    { at: 100 },
    { at: 101, change: (fresh) => withAge({ ...fresh, body: `${fresh.body} ` }, 50) },
  ];
  consul.script('roots', async (_request, truth) => {
    const next = left.shift();
    if (next === undefined) return truth.blocked();
    seconds = next.at;
    const fresh = await truth.now();
    return next.change?.(fresh) ?? fresh;
  });
  const ages: string[] = [];
  const changes: unknown[] = [];
  const end = new AbortController();
  const query = new BlockingQuery({
    connection: connect(t, consul),
    query: ROOTS_QUERY,
    waitMs: 50_000,
    clock: { ...systemClock, monotonic: () => seconds * 1_000 },
    onChange: (listed) => changes.push(listed),
    onResponse: ({ freshness }) => ages.push(freshness),
    onError: assert.fail,
    onTimeout: assert.fail,
  });
  const ended = query.run(end.signal);

  await eventually('all answers', () => ages.length === 3);
  end.abort();
  await ended;

  assert.deepEqual(ages, ['fresh', 'fresh', 'stale']);
  assert.equal(changes.length, 1);
});
