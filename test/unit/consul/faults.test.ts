import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../e2e/support/eventually.ts';
import type { Fault } from '../../fixtures/consul/script.ts';
import { ask, startConsul } from './asking.ts';
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
  test(`a first answer that does not come (${fault}) is ${code} within its deadline, and then recovers`, async (t) => {
    const consul = await startConsul(t);
    let asked = 0;
    consul.script('leaf', () => {
      asked += 1;
      return asked === 1 ? fault : undefined;
    });

    const asking = ask(t, consul, { clock: fastClock(FACTOR) });

    await eventually('the answer', () => asking.answers.length === 1);
    const found = asking.errors.map((error) => error.code);
    assert.deepEqual(found, [code]);
    assert.ok(asking.errors[0]?.remedy);
  });
}

for (const fault of ['hang', 'stall-after-headers'] satisfies Fault[]) {
  test(`a blocking query that dies silently (${fault}) is sent again after wait, a sixteenth and ten seconds`, async (t) => {
    const clock = fastClock(FACTOR);
    const consul = await startConsul(t, { clock });
    consul.script('leaf', (request) => (request.query.has('index') ? fault : undefined));
    const asking = ask(t, consul, { clock });
    await eventually('the blocked query', () => consul.requests.length >= 2);
    const blockedAt = consul.requests[1]?.at ?? 0;

    const { at } = await eventually('the next query', () => consul.requests[2]);

    assert.ok(at - blockedAt >= 62_000, `${at - blockedAt} ms`);
    assert.deepEqual([asking.silences, asking.errors.length], [1, 0]);
  });
}

test('a kept connection that the server closes between two queries costs no error', async (t) => {
  const consul = await startConsul(t);
  let asked = 0;
  consul.script('leaf', async (_request, truth) => {
    asked += 1;
    if (asked > 2) return truth.blocked();
    const answer = await truth.now();
    return { ...answer, headers: { ...answer.headers, Connection: 'close' } };
  });

  const asking = ask(t, consul);

  await eventually('the third query', () => consul.open('leaf') === 1 && asked === 3);
  assert.deepEqual(asking.errors, []);
});
