import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RootsFreshness } from '../../../src/connector/roots-freshness.ts';
import type { Freshness } from '../../../src/consul/freshness.ts';
import type { Clock } from '../../../src/lib/clock.ts';

const SECOND = 1_000;
const [A, B] = [{ caPem: 'A' }, { caPem: 'B' }];

function clockAt(now: () => number): Clock {
  return { now, monotonic: now, sleep: async () => undefined, random: () => 0 };
}

/** A replica that published A itself, at a time that a test sets. */
function settled(index?: bigint) {
  const time = { now: 1_000_000 };
  const freshness = new RootsFreshness(clockAt(() => time.now));
  const answer = (of: Freshness, at?: bigint, wentBack = false) =>
    freshness.answered({ freshness: of, index: at, wentBack, isOutdated: false });
  answer('fresh', index);
  freshness.wrote(A, index);
  time.now += 3_600 * SECOND;
  const isConfirmed = () => freshness.confirmAfter === undefined;
  const observe = (
    published: typeof A & { upstreamCaPem?: string },
    lowest?: bigint,
    highest = lowest,
    isListed = true,
  ) =>
    freshness.observe(
      { ...published, rootsIndex: lowest, upstreamRootsIndex: highest },
      highest === undefined ? undefined : { lowest, highest },
      isListed,
    );
  return { freshness, time, answer, observe, isConfirmed };
}

test('what is there at the start waits for an answer a second later', () => {
  const time = { now: 5 };
  const freshness = new RootsFreshness(clockAt(() => time.now));
  const fresh = { freshness: 'fresh', index: undefined, wentBack: false, isOutdated: false } as const;
  freshness.answered(fresh);
  freshness.observe(A, undefined, false);
  assert.equal(freshness.confirmAfter, 5 + SECOND);

  time.now += SECOND;

  assert.equal(freshness.answered(fresh), true);
  assert.equal(freshness.confirmAfter, undefined);
});

test('where Consul is queried once, its answer is as good as confirmed', () => {
  const freshness = new RootsFreshness(clockAt(() => 5));
  freshness.takeFirstAnswer();
  freshness.observe(A, undefined, false);
  assert.equal(freshness.confirmAfter, undefined);
});

test('another list with the index of our own waits for a fresh answer', () => {
  const { time, answer, observe, isConfirmed } = settled(7n);
  observe(B, 7n, 7n, false);
  assert.equal(isConfirmed(), false);
  time.now += SECOND;
  answer('fresh', 7n);
  assert.equal(isConfirmed(), true);
});

for (const [where, published] of [
  ['ca.crt', B],
  ['the second Secret', { ...A, upstreamCaPem: 'B' }],
] as const) {
  test(`a change of ${where} by another writer does, until Consul answers a second after it`, () => {
    const { freshness, time, answer, observe } = settled();

    observe(published);
    assert.equal(freshness.confirmAfter, time.now + SECOND);

    time.now += SECOND - 1;
    assert.equal(answer('fresh'), false, 'its agent may not have received it yet');
    time.now += 1;
    assert.equal(answer('stale'), false, 'its agent has lost its servers');
    assert.equal(answer('fresh'), true);
    assert.equal(freshness.confirmAfter, undefined);
  });
}

test('a clock that was set back does not delay the confirmation', () => {
  const { time, answer, observe } = settled();
  observe(B);
  time.now -= 3_600 * SECOND;
  assert.equal(answer('fresh'), true);
});

test('an answer that was fetched before another confirms nothing', () => {
  const { freshness, time, observe } = settled();
  observe(B);
  time.now += SECOND;
  freshness.answered({ freshness: 'stale', index: 9n, wentBack: false, isOutdated: true });
  assert.deepEqual([freshness.confirmAfter, freshness.index], [time.now, undefined]);
});

test('F2: what was published by the index of our own roots is confirmed at once, even while Consul is away', () => {
  const { observe, isConfirmed } = settled(7n);
  observe(B, 7n);
  assert.equal(isConfirmed(), true);
});

for (const [what, published, lowest] of [
  ['what was published by a higher index', B, 8n],
  ['where a former version wrote one of two Secrets, that', { ...B, upstreamCaPem: 'B' }, undefined],
] as const) {
  test(`F1: ${what} waits until our agent has caught up`, () => {
    const { time, answer, observe, isConfirmed } = settled(7n);
    observe(published, lowest, 8n);
    time.now += 29 * SECOND;
    answer('fresh', 7n);
    assert.equal(isConfirmed(), false);
    answer('fresh', 8n);
    assert.equal(isConfirmed(), true);
  });
}

test('of two Secrets each counts: one of a lower index waits a second, as a write that is not complete', () => {
  const { time, answer, observe, isConfirmed } = settled(8n);
  observe({ ...A, upstreamCaPem: 'B' }, 7n, 8n);
  assert.equal(isConfirmed(), false);
  time.now += SECOND;
  answer('fresh', 8n);
  assert.equal(isConfirmed(), true);
});

test('F3: an agent that is behind by itself triggers no write, though no other writer wrote', () => {
  const { time, answer, isConfirmed } = settled(8n);
  answer('fresh', 7n);
  time.now += 29 * SECOND;
  answer('fresh', 7n);
  assert.equal(isConfirmed(), false);
});

test('F4: an index that goes on being lower for half a minute is that of a Consul that went back', () => {
  const { time, answer, observe, isConfirmed } = settled(7n);
  observe(B, 8n);
  time.now += 30 * SECOND;
  assert.equal(answer('stale', 7n), false);
  assert.equal(answer('fresh', 7n), true);
  observe(B, 8n);
  assert.equal(isConfirmed(), true, 'and stays so while it cannot be written');
});

test('F4: one that was seen to go back is believed a second later', () => {
  const { time, answer, isConfirmed } = settled(8n);
  answer('fresh', 7n, true);
  assert.equal(isConfirmed(), false);
  time.now += SECOND;
  answer('fresh', 7n);
  assert.equal(isConfirmed(), true);
});

test('F4: after another replica published a lower index, a higher one of ours may be of before', () => {
  const { time, answer, observe, isConfirmed } = settled(8n);
  observe(B, 7n);
  time.now += 2 * SECOND;
  answer('fresh', 8n);
  assert.equal(isConfirmed(), false);
  time.now += 28 * SECOND;
  answer('fresh', 8n);
  assert.equal(isConfirmed(), true);
});

for (const [who, index, waits] of [
  ['F3: two agents that never agree have their replicas', 8n, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]],
  ['a writer without an index that undoes each of our writes has us', undefined, [1, 2, 4, 8, 16, 30, 30]],
] as const) {
  test(`${who} write less and less often`, () => {
    const own = index === undefined ? undefined : 7n;
    const { freshness, time, answer, observe } = settled(own);

    const waited = waits.map(() => {
      observe(B, index);
      const wait = (freshness.confirmAfter ?? 0) - time.now;
      time.now += wait;
      answer('fresh', own);
      freshness.wrote(A, own);
      return wait / SECOND;
    });

    assert.deepEqual(waited, waits);
  });
}

test('a former version is noticed by the index that is gone, with the text of before too, and is given five seconds', () => {
  const { freshness, time, answer, observe } = settled(7n);
  observe(A, 7n);
  assert.equal(freshness.confirmAfter, undefined);

  observe(A);
  assert.equal(freshness.confirmAfter, time.now + 5 * SECOND);

  time.now += 5 * SECOND;
  answer('fresh', 7n);
  observe(A);
  assert.equal(freshness.confirmAfter, undefined, 'and once');
});

test('our own write where Consul gives no index is not taken for one of a former version', () => {
  const { freshness, observe } = settled(7n);
  observe(A, 7n);
  freshness.wrote(B, undefined);
  observe(B);
  assert.equal(freshness.confirmAfter, undefined);
});

test('F4: an index that was seen to go back is believed each time that another replica brings the higher one back', () => {
  const { time, answer, observe, isConfirmed } = settled(8n);
  answer('fresh', 7n, true);
  observe(A, 7n);
  observe(B, 8n);
  time.now += 2 * SECOND;
  answer('fresh', 7n);
  assert.equal(isConfirmed(), true);
});
