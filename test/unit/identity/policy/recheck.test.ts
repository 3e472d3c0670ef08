import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTrustBundle } from '../../../../src/identity/trust-bundle.ts';
import {
  bundleOf,
  DAY,
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
const AGEING_FROM = NOW + 70 * HOUR + 1;

test('a good leaf is looked at again in the moment it begins to age, and not before', () => {
  const { recheckAt } = decideOn({ published, bundle });
  const counts = [recheckAt - 1, recheckAt].map(
    (at) => decideOn({ published, bundle, at }).violation?.reason,
  );
  assert.equal(recheckAt, AGEING_FROM);
  assert.deepEqual(counts, [undefined, 'renewal-due']);
});

test('I1: a leaf below an intermediate that expires first begins to age with that', async () => {
  const dying = await root.issueIntermediate({ notAfter: new Date(NOW + HOUR) });
  const short = publishedAs(await newLeaf(dying), bundle);
  const { recheckAt } = decideOn({ published: short, bundle });
  assert.equal(recheckAt, NOW + 0.7 * HOUR + 1);
  const reasons = [recheckAt - 1, recheckAt, NOW + HOUR].map(
    (at) => decideOn({ published: short, bundle, at }).violation?.reason,
  );
  assert.deepEqual(reasons, [undefined, 'renewal-due', 'invalid']);
});

test('a leaf that is not yet valid by this clock is taken in the moment it becomes valid', async () => {
  const at = NOW + 71 * HOUR;
  const notBefore = at + 2 * HOUR;
  const candidate = material(await newLeaf(root, { from: notBefore }));

  const { recheckAt, rejected } = decideOn({ published, candidate, bundle, at });

  const writes = [recheckAt - 1, recheckAt].map(
    (moment) => decideOn({ published, candidate, bundle, at: moment }).writesLeaf,
  );
  assert.equal(rejected?.code, 'NOT_YET_VALID');
  assert.equal(recheckAt, notBefore);
  assert.deepEqual(writes, [false, true]);
});

test('a leaf whose root is not yet valid by this clock is taken in the moment the root becomes valid', async () => {
  const at = NOW + 71 * HOUR;
  const notBefore = new Date(at + 2 * HOUR);
  const next = await newRoot({ notBefore });
  const candidate = material(await newLeaf(next, { from: at }));
  const before = at + 2 * HOUR - 20 * SECOND;
  const bundleOfBoth = buildTrustBundle(listing(listRoot(next), listRoot(root)), before);

  const { recheckAt, rejected } = decideOn({ published, candidate, bundle: bundleOfBoth, at: before });

  assert.equal(rejected?.code, 'NO_CHAIN');
  assert.equal(recheckAt, notBefore.getTime());
  assert.equal(decideOn({ published, candidate, bundle: bundleOfBoth, at: recheckAt }).writesLeaf, true);
});

const both = bundleOf(await newRoot(), root);
const withDying = bundleOf(root, await newRoot({ notAfter: new Date(NOW + HOUR) }));
const yearly = await newLeaf(root, { lasts: 365 * DAY });
testDecisions({
  'a missing leaf is looked at again after half a minute': [
    { bundle },
    { violation: 'missing', recheckAt: NOW + 30 * SECOND },
  ],
  'an expired leaf is looked at again after half a minute': [
    { published, bundle, at: NOW + LIFETIME + 1 },
    { violation: 'invalid', recheckAt: NOW + LIFETIME + 1 + 30 * SECOND },
  ],
  'a leaf of the previous root is looked at again after half a minute': [
    { published: publishedAs(leaf, both), bundle: both },
    { violation: 'inactive-root', recheckAt: NOW + 30 * SECOND },
  ],
  'an ageing leaf is looked at again after a tenth of what it has left': [
    { published, bundle, at: NOW + 71 * HOUR },
    { violation: 'renewal-due', recheckAt: NOW + (71 + 2.9) * HOUR },
  ],
  'an ageing leaf of a year is looked at again after a day': [
    { published: publishedAs(yearly, bundle), bundle, at: NOW + 300 * DAY },
    { violation: 'renewal-due', recheckAt: NOW + 301 * DAY },
  ],
  'F7: an ageing leaf is looked at again when it becomes urgent': [
    { published, bundle, at: NOW + 84 * HOUR },
    { violation: 'renewal-due', recheckAt: NOW + 85 * HOUR + 1 },
  ],
  'an ageing leaf with little left is looked at again after half a minute': [
    { published, bundle, at: NOW + LIFETIME - 120 * SECOND },
    { violation: 'renewal-due', recheckAt: NOW + LIFETIME - 90 * SECOND },
  ],
  'a leaf in its last seconds is looked at again in the moment it expires': [
    { published, bundle, at: NOW + LIFETIME - 5 * SECOND },
    { violation: 'renewal-due', recheckAt: NOW + LIFETIME },
  ],
  'a leaf that is about to be written is looked at again when it will age': [
    { candidate: material(leaf), bundle },
    { writes: 'leaf, bundle', recheckAt: AGEING_FROM },
  ],
  'a root that expires first is looked at again in the moment it expires': [
    { published: publishedAs(leaf, withDying), bundle: withDying },
    { recheckAt: NOW + HOUR },
  ],
});
