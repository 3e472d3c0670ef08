import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Doubt } from '../../../src/connector/roots-freshness.ts';
import type { Clock } from '../../../src/lib/clock.ts';

const SETTLE_MS = 1_000;

function clockAt(now: () => number): Clock {
  return { now, monotonic: now, sleep: async () => undefined, random: () => 0 };
}

/** A doubt that Consul's first answer has ended, at a time that a test sets. */
function settled() {
  const time = { now: 1_000_000 };
  const doubt = new Doubt(clockAt(() => time.now));
  doubt.heard(undefined);
  doubt.saw({ caPem: 'A' });
  return { doubt, time };
}

test('until Consul has answered from something else than a stale cache there is doubt, worth asking at once', () => {
  const doubt = new Doubt(clockAt(() => 5));

  assert.equal(doubt.heard(20), false);
  assert.ok(doubt.until !== undefined && doubt.until < 5);

  assert.equal(doubt.heard(0), true);
  assert.equal(doubt.until, undefined);
});

test('what is seen first, and what one has written oneself, is no reason for doubt', () => {
  const { doubt } = settled();

  doubt.wrote({ caPem: 'B' });
  doubt.saw({ caPem: 'B' });

  assert.equal(doubt.until, undefined);
});

for (const [where, published] of [
  ['ca.crt', { caPem: 'B' }],
  ['the second Secret', { caPem: 'A', upstreamCaPem: 'B' }],
] as const) {
  test(`a change of ${where} by somebody else is one, until Consul answers a second after it`, () => {
    const { doubt, time } = settled();

    doubt.saw(published);
    assert.equal(doubt.until, time.now + SETTLE_MS);

    time.now += SETTLE_MS - 1;
    assert.equal(doubt.heard(undefined), false, 'its agent may not have heard yet');
    time.now += 1;
    assert.equal(doubt.heard(9), false, 'its agent has lost its servers');
    assert.equal(doubt.heard(undefined), true);
    assert.equal(doubt.until, undefined);
  });
}

test('a clock that was set back does not keep the doubt alive', () => {
  const { doubt, time } = settled();
  doubt.saw({ caPem: 'B' });

  time.now -= 3_600_000;

  assert.equal(doubt.heard(undefined), true);
});
