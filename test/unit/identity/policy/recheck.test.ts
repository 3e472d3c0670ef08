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

test('a leaf that is about to be written is looked at again when it will age', () => {
  assert.equal(decideOn({ candidate: material(leaf), bundle }).recheckAt, AGEING_FROM);
});

test('a root that expires first is looked at again in the moment it expires', async () => {
  const dying = await newRoot({ notAfter: new Date(NOW + HOUR) });

  const { recheckAt } = decideOn({ published, bundle: bundleOf(root, dying) });

  assert.equal(recheckAt, NOW + HOUR);
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
  const both = buildTrustBundle(listing(listRoot(next), listRoot(root)), before);

  const { recheckAt, rejected } = decideOn({ published, candidate, bundle: both, at: before });

  assert.equal(rejected?.code, 'NO_CHAIN');
  assert.equal(recheckAt, notBefore.getTime());
  assert.equal(decideOn({ published, candidate, bundle: both, at: recheckAt }).writesLeaf, true);
});

const CONDEMNED = {
  'nothing that could be published': decideOn({ bundle }),
  'an expired leaf': decideOn({ published, bundle, at: NOW + LIFETIME + 1 }),
  'a leaf of the previous root': decideOn({ published, bundle: bundleOf(await newRoot(), root) }),
};
const DECIDED_AT: Readonly<Record<string, number>> = {
  'an expired leaf': NOW + LIFETIME + 1,
};

for (const [what, { recheckAt }] of Object.entries(CONDEMNED)) {
  test(`${what} is looked at again after half a minute`, () => {
    assert.equal(recheckAt - (DECIDED_AT[what] ?? NOW), 30 * SECOND);
  });
}

test('an ageing leaf is looked at again after a tenth of what it has left', () => {
  const at = NOW + 71 * HOUR;

  assert.equal(decideOn({ published, bundle, at }).recheckAt - at, 2.9 * HOUR);
});

test('F7: an ageing leaf is looked at again when it becomes urgent', () => {
  const at = NOW + 84 * HOUR;

  assert.equal(decideOn({ published, bundle, at }).recheckAt, NOW + 85 * HOUR + 1);
});

test('an ageing leaf with little left is looked at again after half a minute', () => {
  const at = NOW + LIFETIME - 120 * SECOND;

  assert.equal(decideOn({ published, bundle, at }).recheckAt - at, 30 * SECOND);
});

test('a leaf in its last seconds is looked at again in the moment it expires', () => {
  const { recheckAt } = decideOn({ published, bundle, at: NOW + LIFETIME - 5 * SECOND });

  assert.equal(recheckAt, NOW + LIFETIME);
});
