import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RootsFreshness } from '../../../src/connector/roots-freshness.ts';
import type { Clock } from '../../../src/lib/clock.ts';

const SETTLE_MS = 1_000;

function clockAt(now: () => number): Clock {
  return { now, monotonic: now, sleep: async () => undefined, random: () => 0 };
}

/** The freshness after Consul's first answer confirmed the roots, at a time that a test sets. */
function settled() {
  const time = { now: 1_000_000 };
  const freshness = new RootsFreshness(clockAt(() => time.now));
  freshness.answered('fresh');
  freshness.observe({ caPem: 'A' });
  return { freshness, time };
}

test('roots are unconfirmed until Consul has answered otherwise than from a stale cache, and worth a query at once', () => {
  const freshness = new RootsFreshness(clockAt(() => 5));

  assert.equal(freshness.answered('stale'), false);
  assert.ok(freshness.confirmAfter !== undefined && freshness.confirmAfter < 5);

  assert.equal(freshness.answered('fresh'), true);
  assert.equal(freshness.confirmAfter, undefined);
});

test('neither what is read first nor our own write needs a confirmation', () => {
  const { freshness } = settled();

  freshness.wrote({ caPem: 'B' });
  freshness.observe({ caPem: 'B' });

  assert.equal(freshness.confirmAfter, undefined);
});

for (const [where, published] of [
  ['ca.crt', { caPem: 'B' }],
  ['the second Secret', { caPem: 'A', upstreamCaPem: 'B' }],
] as const) {
  test(`a change of ${where} by another writer does, until Consul answers a second after it`, () => {
    const { freshness, time } = settled();

    freshness.observe(published);
    assert.equal(freshness.confirmAfter, time.now + SETTLE_MS);

    time.now += SETTLE_MS - 1;
    assert.equal(freshness.answered('fresh'), false, 'its agent may not have received it yet');
    time.now += 1;
    assert.equal(freshness.answered('stale'), false, 'its agent has lost its servers');
    assert.equal(freshness.answered('fresh'), true);
    assert.equal(freshness.confirmAfter, undefined);
  });
}

test('a clock that was set back does not delay the confirmation', () => {
  const { freshness, time } = settled();
  freshness.observe({ caPem: 'B' });

  time.now -= 3_600_000;

  assert.equal(freshness.answered('fresh'), true);
});
