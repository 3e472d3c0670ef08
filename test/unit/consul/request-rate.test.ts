import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../e2e/support/eventually.ts';
import { withAge, withIndex } from '../../fixtures/consul/answer.ts';
import { refusals } from '../../fixtures/consul/refusals.ts';
import { ask, startConsul } from './asking.ts';
import { fastClock } from './fast-clock.ts';

const MINUTE_MS = 60_000;

/** The most requests `forMs` may bring: five at once, then one a second. */
function bound(forMs: number): number {
  return 5 + forMs / 1_000;
}

for (const index of ['7', '0', undefined]) {
  test(`a server that answers every query at once under index ${index ?? 'none'} gets five requests, then one a second`, async (t) => {
    const clock = fastClock(100);
    const consul = await startConsul(t);
    consul.script('leaf', async (_request, truth) => withIndex(await truth.now(), index));
    const start = clock.now();

    const asking = ask(t, consul, { clock });
    await sleep(MINUTE_MS / 100);

    const sent = consul.requests.length;
    const most = bound(clock.now() - start);
    assert.ok(sent > 5 && sent <= most, `${sent} requests, ${most} allowed`);
    assert.equal(asking.answers.length, 1);
  });
}

test('15: `wait` ignored, answer after 10 minutes: not an error, no reconnect storm (consul #4462)', async (t) => {
  const clock = fastClock(150);
  const consul = await startConsul(t);
  consul.script('leaf', async (request, truth) => (request.query.has('index') ? 'hang' : truth.now()));

  const asking = ask(t, consul, { clock });
  await sleep((10 * MINUTE_MS) / 150);

  assert.deepEqual(asking.errors, []);
  assert.equal(asking.answers.length, 1);
  assert.ok(asking.silences >= 3, `${asking.silences} silences`);
  // 63.125 s a block, then one query without an index: in ten minutes at most ten pairs, and room for one.
  assert.ok(consul.requests.length <= 22, `${consul.requests.length} requests`);
});

test('errors back off to at most a minute', async (t) => {
  const clock = fastClock(1_000);
  const consul = await startConsul(t);
  consul.script('leaf', () => refusals.noClusterLeader);

  const asking = ask(t, consul, { clock });
  await sleep((10 * MINUTE_MS) / 1_000);

  // 1, 2, 4, … 32, 60, 60, …: six short waits and at most nine of a minute.
  const { length } = asking.errors;
  assert.ok(length >= 4 && length <= 17, `${length} errors in ten minutes`);
});

test('an agent that answers from its cache, and fails every blocking query for want of its servers, is asked ever more seldom', async (t) => {
  const clock = fastClock(1_000);
  const consul = await startConsul(t);
  consul.script('leaf', async (request, truth) =>
    request.query.has('index') ? refusals.noKnownServers : withAge(await truth.now(), 9),
  );

  const asking = ask(t, consul, { clock });
  await sleep((10 * MINUTE_MS) / 1_000);

  const { length } = asking.errors;
  assert.ok(length >= 4 && length <= 17, `${length} errors in ten minutes`);
  assert.ok(consul.requests.length <= 2 * length + 2, `${consul.requests.length} requests`);
});

for (const [what, ageSeconds, least] of [
  ['a good answer forgets', undefined, 1],
  ['two answers from a cache forget', 9, 2],
] as const) {
  test(`${what} the failures before`, async (t) => {
    const clock = fastClock(20);
    const consul = await startConsul(t);
    const gaps: number[] = [];
    consul.script('leaf', async (request, truth) => {
      gaps.push(request.at);
      const isGood = gaps.length > 4 && gaps.length <= 4 + least;
      return isGood ? withAge(withIndex(await truth.now(), 0), ageSeconds) : refusals.unavailable;
    });

    ask(t, consul, { clock });
    await eventually('two failures after the success', () => gaps.length >= 6 + least, 5_000);

    const [beforeSuccess = 0, success = 0] = gaps.slice(3);
    const [lastSuccess = 0, , after = 0] = gaps.slice(3 + least);
    // The fourth wait is at most 8 s, the first after a success at most 1 s; at 20 times the speed 400 and 50 ms.
    assert.ok(success - beforeSuccess >= 350, `${success - beforeSuccess} ms before`);
    assert.ok(after - lastSuccess < 300, `${after - lastSuccess} ms after`);
  });
}
