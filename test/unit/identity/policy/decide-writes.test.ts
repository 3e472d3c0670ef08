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

/** Carries out the decisions in turn and counts the writes. */
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
// A leaf that is reissued every 20 s for an hour (consul #6507).
const reissued = await Promise.all(
  Array.from({ length: 180 }, async (_, turn) => {
    const from = NOW + turn * 20 * SECOND;
    return { from, candidate: material(await newLeaf(root, { from, keys })) };
  }),
);

/** The reissued leaf by a clock that is this far ahead of Consul's. */
function seenAhead(aheadMs: number, every = 3): readonly Moment[] {
  return reissued
    .filter((_, turn) => turn % every === 0)
    .map(({ from, candidate }) => ({ at: from + aheadMs, candidate }));
}

const CLOCKS: readonly (readonly [string, number, number, number?])[] = [
  ["level with Consul's", 0, 1],
  ["ahead of Consul's by 50 % of the lifetime", 50 * HOUR, 1],
  ["ahead of Consul's by 61 % of the lifetime", 61 * HOUR, 1],
  ["ahead of Consul's by 95 % of the lifetime", 95 * HOUR, 1],
  ["ahead of Consul's by 99 % of the lifetime", 99 * HOUR, 3],
  ["ahead of Consul's by 99 % of the lifetime, with a new leaf at each decision", 99 * HOUR, 3, 1],
  ['so far ahead that every leaf has expired', LIFETIME + HOUR, 0],
  ['so far behind that no leaf is valid yet', -60 * SECOND, 0],
];
for (const [what, aheadMs, most, every] of CLOCKS) {
  test(`a leaf that is reissued every 20 s is written at most ${most} times in an hour by a clock ${what}`, () => {
    const writes = countWrites(seenAhead(aheadMs, every), bundle);
    assert.ok(writes >= Math.min(1, most) && writes <= most, `${writes} writes`);
  });
}

const active = await newRoot();
const unequal = await Promise.all([0, 1, 2].map((hour) => newLeaf(root, { from: NOW - hour * HOUR })));
for (const [what, leaves, by, writes] of [
  ['each with its own leaf, cause one write', unequal, bundle, 1],
  [
    'during a rotation, each with a leaf of another root, cause one more write',
    [await newLeaf(root), await newLeaf(active)],
    bundleOf(active, root),
    2,
  ],
] as const) {
  test(`servers that answer in turn, ${what}`, () => {
    const moments = Array.from({ length: 120 }, (_, second) => {
      const leaf = leaves[second % leaves.length];
      return leaf === undefined ? [] : [{ at: NOW + second * SECOND, candidate: material(leaf) }];
    });
    assert.equal(countWrites(moments.flat(), by), writes);
  });
}

for (const renewedAt of [60, 75, 90]) {
  test(`a leaf that Consul renews at ${renewedAt} % of its lifetime is written once each time`, async () => {
    const renewals = await Promise.all(
      [0, 1, 2, 3].map(async (turn) => {
        const from = NOW + turn * renewedAt * HOUR;
        return { at: from, candidate: material(await newLeaf(root, { from })) };
      }),
    );
    // A decision every six hours, as after a restart or a change.
    const moments = renewals.flatMap(({ at, candidate }) =>
      Array.from({ length: renewedAt / 6 }, (_, turn) => ({ at: at + turn * 6 * HOUR, candidate })),
    );

    assert.equal(countWrites(moments, bundle), renewals.length);
  });
}
