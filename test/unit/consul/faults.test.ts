import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../e2e/support/eventually.ts';
import type { Fault } from '../../fixtures/consul/script.ts';
import { startConsul, startQuery } from './clients.ts';
import { fastClock } from './fast-clock.ts';

/** At this speed the 30 s deadline of a query without an index is 3 s: time enough for an answer on a loaded machine. */
const FACTOR = 10;

for (const [fault, code] of [
  ['hang', 'CONSUL_TIMEOUT'],
  ['stall-after-headers', 'CONSUL_TIMEOUT'],
  ['cut-in-body', 'CONSUL_UNREACHABLE'],
  ['reset', 'CONSUL_UNREACHABLE'],
  ['close', 'CONSUL_UNREACHABLE'],
] satisfies [Fault, string][]) {
  test(`a first answer that does not arrive (${fault}) is ${code} within its deadline, and then recovers`, async (t) => {
    const consul = await startConsul(t);
    consul.script('leaf', () => (consul.requests.length === 1 ? fault : undefined));

    const query = startQuery(t, consul, fastClock(FACTOR));

    await eventually('the answer', () => query.answers.length === 1);
    const found = query.errors.map((error) => error.code);
    assert.deepEqual(found, [code]);
    assert.ok(query.errors[0]?.remedy);
  });
}

for (const fault of ['hang', 'stall-after-headers'] satisfies Fault[]) {
  test(`a blocking query that dies silently (${fault}) is sent again after its wait, a sixteenth of it and ten seconds`, async (t) => {
    const clock = fastClock(FACTOR);
    const consul = await startConsul(t, { clock });
    consul.script('leaf', (request) => (request.query.has('index') ? fault : undefined));
    const query = startQuery(t, consul, clock);
    await eventually('the blocked query', () => consul.requests.length >= 2);
    const blockedAt = consul.requests[1]?.at ?? 0;

    const { at } = await eventually('the next query', () => consul.requests[2]);

    assert.ok(at - blockedAt >= 62_000, `${at - blockedAt} ms`);
    assert.deepEqual([query.counts.timeouts, query.errors.length], [1, 0]);
  });
}

test('a kept connection that the server closes between two queries costs no error', async (t) => {
  const consul = await startConsul(t);
  consul.script('leaf', async (_request, truth) => {
    if (consul.requests.length > 2) return truth.blocked();
    const answer = await truth.now();
    return { ...answer, headers: { ...answer.headers, Connection: 'close' } };
  });

  const query = startQuery(t, consul);

  await eventually('the third query', () => consul.open('leaf') === 1 && consul.requests.length === 3);
  assert.deepEqual(query.errors, []);
});
