import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RootsFreshness } from '../../../src/connector/roots-freshness.ts';
import type { Freshness } from '../../../src/consul/freshness.ts';
import type { Published } from '../../../src/identity/published.ts';
import { clockOf } from './support.ts';

const SECOND = 1_000;
type Bundles = Pick<Published, 'caPem' | 'upstreamCaPem'>;
const [A, B] = [{ caPem: 'A' }, { caPem: 'B' }];
const SECOND_SECRET = { ...A, upstreamCaPem: 'B' };
const BOTH_SECRETS = { ...B, upstreamCaPem: 'B' };

function newFreshness(now = 1_000_000) {
  const time = { now };
  return { time, freshness: new RootsFreshness(clockOf(time)) };
}

function answerOf(freshness: Freshness, index?: bigint, wentBack = false) {
  return { freshness, index, wentBack, isOutdated: false };
}

/** A replica that published A itself an hour ago, with this index. */
function settled(index?: bigint) {
  const replica = newFreshness();
  replica.freshness.answered(answerOf('fresh', index));
  replica.freshness.wrote(A, index);
  replica.time.now += 3_600 * SECOND;
  return replica;
}

type Step = (replica: ReturnType<typeof settled>) => void;

const after =
  (seconds: number): Step =>
  ({ time }) => {
    time.now += seconds * SECOND;
  };

const answered =
  (of: Freshness) =>
  (index?: bigint, wentBack = false): Step =>
  ({ freshness }) => {
    freshness.answered(answerOf(of, index, wentBack));
  };
const [fresh, stale] = [answered('fresh'), answered('stale')];

/** The published bundles, the lowest and the highest of their indexes, and whether Consul lists their roots. */
const observed =
  (published: Bundles, lowest?: bigint, highest = lowest, isListed = true): Step =>
  ({ freshness }) =>
    freshness.observe(
      { ...published, rootsIndex: lowest, upstreamRootsIndex: highest },
      highest === undefined ? undefined : { lowest, highest },
      isListed,
    );

const confirmed: Step = ({ freshness }) => assert.equal(freshness.confirmAfter, undefined);
const unconfirmed: Step = ({ freshness }) => assert.notEqual(freshness.confirmAfter, undefined);

test('what is published at the start waits for an answer a second later', () => {
  const { time, freshness } = newFreshness();
  freshness.answered(answerOf('fresh'));
  freshness.observe(A, undefined, false);
  assert.equal(freshness.confirmAfter, time.now + SECOND);

  time.now += SECOND;

  assert.equal(freshness.answered(answerOf('fresh')), true);
  assert.equal(freshness.confirmAfter, undefined);
});

test('if Consul is queried only once, its answer counts as confirmed', () => {
  const { freshness } = newFreshness();
  freshness.takeFirstAnswer();
  freshness.observe(A, undefined, false);
  assert.equal(freshness.confirmAfter, undefined);
});

for (const [where, published] of [
  ['ca.crt', B],
  ['the second Secret', SECOND_SECRET],
] as const) {
  test(`a change of ${where} by another writer waits until Consul answers a second later`, () => {
    const replica = settled();
    const { time, freshness } = replica;

    observed(published)(replica);
    assert.equal(freshness.confirmAfter, time.now + SECOND);

    time.now += SECOND - 1;
    assert.equal(freshness.answered(answerOf('fresh')), false, 'its agent may not have received it yet');
    time.now += 1;
    assert.equal(freshness.answered(answerOf('stale')), false, 'its agent has lost its servers');
    assert.equal(freshness.answered(answerOf('fresh')), true);
    assert.equal(freshness.confirmAfter, undefined);
  });
}

test('an answer that was fetched before another confirms nothing', () => {
  const replica = settled();
  const { time, freshness } = replica;
  observed(B)(replica);
  time.now += SECOND;
  freshness.answered({ ...answerOf('stale', 9n), isOutdated: true });
  assert.deepEqual([freshness.confirmAfter, freshness.index], [time.now, undefined]);
});

const SEQUENCES: Readonly<Record<string, readonly [index: bigint | undefined, steps: readonly Step[]]>> = {
  'another list with the index of our own waits for a fresh answer': [
    7n,
    [observed(B, 7n, 7n, false), unconfirmed, after(1), fresh(7n), confirmed],
  ],
  'a clock that was set back does not delay the confirmation': [
    undefined,
    [observed(B), after(-3_600), fresh(), confirmed],
  ],
  'F2: roots with the index of our own are confirmed at once, even while Consul is away': [
    7n,
    [observed(B, 7n), confirmed],
  ],
  'of two Secrets each counts: one with a lower index, as from an incomplete write, waits a second': [
    8n,
    [observed(SECOND_SECRET, 7n, 8n), unconfirmed, after(1), fresh(8n), confirmed],
  ],
  'F3: an agent that falls behind triggers no write, though no other writer wrote': [
    8n,
    [fresh(7n), after(29), fresh(7n), unconfirmed],
  ],
  'F4: an index that stays lower for half a minute is that of a Consul that went back, and stays confirmed': [
    7n,
    [observed(B, 8n), after(30), stale(7n), unconfirmed, fresh(7n), confirmed, observed(B, 8n), confirmed],
  ],
  'F4: an index that was seen to go back is confirmed a second later': [
    8n,
    [fresh(7n, true), unconfirmed, after(1), fresh(7n), confirmed],
  ],
  'F4: after another replica published a lower index, a higher one of ours may be outdated': [
    8n,
    [observed(B, 7n), after(2), fresh(8n), unconfirmed, after(28), fresh(8n), confirmed],
  ],
  'F4: an index that was seen to go back is confirmed each time another replica restores the higher one': [
    8n,
    [fresh(7n, true), observed(A, 7n), observed(B, 8n), after(2), fresh(7n), confirmed],
  ],
  'F1: roots with a higher index wait until our agent has caught up': [
    7n,
    [observed(B, 8n), after(29), fresh(7n), unconfirmed, fresh(8n), confirmed],
  ],
  'F1: of two Secrets, one by a former version, the index of the other waits until our agent has caught up': [
    7n,
    [observed(BOTH_SECRETS, undefined, 8n), after(29), fresh(7n), unconfirmed, fresh(8n), confirmed],
  ],
  'a former version is detected by the missing index, even with the same text, and gets five seconds, once': [
    7n,
    [
      observed(A, 7n),
      confirmed,
      observed(A),
      after(4),
      fresh(7n),
      unconfirmed,
      after(1),
      fresh(7n),
      observed(A),
      confirmed,
    ],
  ],
};

for (const [name, [index, steps]] of Object.entries(SEQUENCES)) {
  test(name, () => {
    const replica = settled(index);
    for (const step of steps) step(replica);
  });
}

test('our own write without an index of Consul is not mistaken for one of a former version', () => {
  const replica = settled(7n);
  observed(A, 7n)(replica);
  replica.freshness.wrote(B, undefined);
  observed(B)(replica);
  confirmed(replica);
});

for (const [who, index, waits] of [
  ['F3: two agents that never agree have their replicas', 8n, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]],
  ['a writer without an index that undoes each of our writes has us', undefined, [1, 2, 4, 8, 16, 30, 30]],
] as const) {
  test(`${who} write less and less often`, () => {
    const own = index === undefined ? undefined : 7n;
    const replica = settled(own);
    const { time, freshness } = replica;

    const waited = waits.map(() => {
      observed(B, index)(replica);
      const wait = (freshness.confirmAfter ?? 0) - time.now;
      time.now += wait;
      freshness.answered(answerOf('fresh', own));
      freshness.wrote(A, own);
      return wait / SECOND;
    });

    assert.deepEqual(waited, waits);
  });
}
