import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CertificateAndKey } from '../../../../src/identity/identity.ts';
import type { Published } from '../../../../src/identity/published.ts';
import type { TrustBundle } from '../../../../src/identity/trust-bundle.ts';
import { generateKeyPair } from '../../../fixtures/certificates/factory.ts';
import {
  bundleOf,
  carriedOut,
  decideOn,
  HOUR,
  LIFETIME,
  material,
  NOW,
  newLeaf,
  newRoot,
  SECOND,
} from '../support.ts';

interface Moment {
  readonly at: number;
  readonly candidate: CertificateAndKey;
}

/** Carries out one decision after another and counts the writes. */
function countWrites(moments: readonly Moment[], bundle: TrustBundle): number {
  let published: Published | undefined;
  let writes = 0;
  for (const { at, candidate } of moments) {
    const decision = decideOn({ published, candidate, bundle, at });
    if (decision.writesLeaf || decision.writesBundle) writes += 1;
    published = carriedOut(decision, published);
  }
  return writes;
}

const root = await newRoot();
const bundle = bundleOf(root);
const keys = await generateKeyPair('ec-p256');
// A leaf that changes all the time, for an hour (consul #6507).
const reissued = await Promise.all(
  Array.from({ length: 180 }, async (_, turn) => {
    const from = NOW + turn * 20 * SECOND;
    return { from, candidate: material(await newLeaf(root, { from, keys })) };
  }),
);

/** The leaf, reissued all the time, as a clock sees it that is this far ahead of Consul's. */
function seenAhead(aheadMs: number, every = 3): readonly Moment[] {
  return reissued
    .filter((_, turn) => turn % every === 0)
    .map(({ from, candidate }) => ({ at: from + aheadMs, candidate }));
}

test('a leaf that changes all the time is written once', () => {
  assert.equal(countWrites(seenAhead(0), bundle), 1);
});

const CLOCKS: readonly [number, number][] = [
  [50, 1],
  [61, 1],
  [95, 1],
  [99, 3],
];
for (const [hours, most] of CLOCKS) {
  test(`a clock ahead of Consul's by ${hours} % of the lifetime writes a leaf that is always reissued at most ${most} times in an hour`, () => {
    const writes = countWrites(seenAhead(hours * HOUR), bundle);

    assert.ok(writes >= 1 && writes <= most, `${writes} writes`);
  });
}

test("a clock ahead of Consul's by nearly the whole lifetime writes a leaf that is always new at most thrice in an hour", () => {
  const writes = countWrites(seenAhead(99 * HOUR, 1), bundle);

  assert.ok(writes >= 1 && writes <= 3, `${writes} writes`);
});

test("a clock so far ahead that every leaf of Consul's has expired writes nothing", () => {
  assert.equal(countWrites(seenAhead(LIFETIME + HOUR), bundle), 0);
});

test("a clock behind Consul's writes nothing while no leaf is valid yet", () => {
  assert.equal(countWrites(seenAhead(-60 * SECOND), bundle), 0);
});

test('several servers, each with a leaf of its own, in turn: one write', async () => {
  const leaves = await Promise.all([0, 1, 2].map((hour) => newLeaf(root, { from: NOW - hour * HOUR })));
  const moments = Array.from({ length: 120 }, (_, second) => {
    const leaf = leaves[second % leaves.length];
    return leaf === undefined ? [] : [{ at: NOW + second * SECOND, candidate: material(leaf) }];
  });

  assert.equal(countWrites(moments.flat(), bundle), 1);
});

test('servers that disagree during a rotation, one with a leaf of each root, cause one more write at most', async () => {
  const active = await newRoot();
  const [old, fresh] = [material(await newLeaf(root)), material(await newLeaf(active))];
  const moments = Array.from({ length: 60 }, (_, second) => ({
    at: NOW + second * SECOND,
    candidate: second % 2 === 0 ? old : fresh,
  }));

  assert.equal(countWrites(moments, bundleOf(active, root)), 2);
});

for (const renewedAt of [60, 75, 90]) {
  test(`a leaf that Consul renews at ${renewedAt} % of its lifetime is written once each time`, async () => {
    const renewals = await Promise.all(
      [0, 1, 2, 3].map(async (turn) => {
        const from = NOW + turn * renewedAt * HOUR;
        return { at: from, candidate: material(await newLeaf(root, { from })) };
      }),
    );
    // Looked at every six hours, as a restart or a notice would.
    const moments = renewals.flatMap(({ at, candidate }) =>
      Array.from({ length: renewedAt / 6 }, (_, turn) => ({ at: at + turn * 6 * HOUR, candidate })),
    );

    assert.equal(countWrites(moments, bundle), renewals.length);
  });
}
