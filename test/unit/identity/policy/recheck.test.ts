import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTrustBundle } from '../../../../src/identity/trust-bundle.ts';
import {
  bundleOf,
  decideOn,
  HOUR,
  LIFETIME,
  listing,
  listRoot,
  material,
  NOW,
  newLeaf,
  newRoot,
  publishedAs,
  SECOND,
} from '../support.ts';
import { testDecisions } from './table.ts';

const root = await newRoot();
const bundle = bundleOf(root);
const leaf = await newLeaf(root);
const published = publishedAs(leaf, bundle);
const RENEWAL_DUE_FROM = NOW + 70 * HOUR + 1;

test('I1: a leaf below an intermediate that expires first is due for renewal with that', async () => {
  const dying = await root.issueIntermediate({ notAfter: new Date(NOW + HOUR) });
  const short = publishedAs(await newLeaf(dying), bundle);
  const { recheckAt } = decideOn({ published: short, bundle });
  assert.equal(recheckAt, NOW + 0.7 * HOUR + 1);
  const reasons = [recheckAt - 1, recheckAt, NOW + HOUR].map(
    (at) => decideOn({ published: short, bundle, at }).violation?.reason,
  );
  assert.deepEqual(reasons, [undefined, 'renewal-due', 'invalid']);
});

const begins = NOW + 73 * HOUR;
const next = await newRoot({ notBefore: new Date(begins) });
const ofNext = await newLeaf(next, { from: begins - 2 * HOUR });
const withNext = buildTrustBundle(listing(listRoot(next), listRoot(root)), begins - 20 * SECOND);
for (const [what, code, early, by, at] of [
  ['that', 'NOT_YET_VALID', await newLeaf(root, { from: begins }), bundle, begins - 2 * HOUR],
  ['whose root', 'NO_CHAIN', ofNext, withNext, begins - 20 * SECOND],
] as const) {
  test(`a leaf ${what} is not yet valid by this clock is published as soon as it is`, () => {
    const input = { published, candidate: material(early), bundle: by };

    const { recheckAt, rejected } = decideOn({ ...input, at });

    assert.equal(rejected?.code, code);
    assert.equal(recheckAt, begins);
    const writes = [begins - 1, begins].map((moment) => decideOn({ ...input, at: moment }).writesLeaf);
    assert.deepEqual(writes, [false, true]);
  });
}

const both = bundleOf(await newRoot(), root);
const withDying = bundleOf(root, await newRoot({ notAfter: new Date(NOW + HOUR) }));
const usual = { published, bundle };
testDecisions(usual, {
  'a valid leaf is checked again when its renewal is due': [{}, { recheckAt: RENEWAL_DUE_FROM }],
  'a missing leaf is checked again after half a minute': [
    { published: undefined },
    { violation: 'missing', recheckAt: NOW + 30 * SECOND },
  ],
  'an expired leaf is checked again after half a minute': [
    { at: NOW + LIFETIME + 1 },
    { violation: 'invalid', recheckAt: NOW + LIFETIME + 1 + 30 * SECOND },
  ],
  'a leaf of the previous root is checked again after half a minute': [
    { published: publishedAs(leaf, both), bundle: both },
    { violation: 'inactive-root', recheckAt: NOW + 30 * SECOND },
  ],
  'an ageing leaf is checked again after a tenth of its remaining lifetime': [
    { at: NOW + 71 * HOUR },
    { violation: 'renewal-due', recheckAt: NOW + (71 + 2.9) * HOUR },
  ],
  'F7: an ageing leaf is checked again when it becomes urgent': [
    { at: NOW + 84 * HOUR },
    { violation: 'renewal-due', recheckAt: NOW + 85 * HOUR + 1 },
  ],
  'an ageing leaf with little left is checked again after half a minute': [
    { at: NOW + LIFETIME - 120 * SECOND },
    { violation: 'renewal-due', recheckAt: NOW + LIFETIME - 90 * SECOND },
  ],
  'a leaf in its last seconds is checked again when it expires': [
    { at: NOW + LIFETIME - 5 * SECOND },
    { violation: 'renewal-due', recheckAt: NOW + LIFETIME },
  ],
  'a leaf that is about to be written is checked again when its renewal is due': [
    { published: undefined, candidate: material(leaf) },
    { writes: 'leaf, bundle', recheckAt: RENEWAL_DUE_FROM },
  ],
  'the bundle is checked again when its first root expires': [
    { published: publishedAs(leaf, withDying), bundle: withDying },
    { recheckAt: NOW + HOUR },
  ],
});
