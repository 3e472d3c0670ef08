import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bundleOf,
  carriedOut,
  decideOn,
  HOUR,
  material,
  NOW,
  newLeaf,
  newRoot,
  publishedAs,
} from '../support.ts';

const root = await newRoot();
const bundle = bundleOf(root);
const old = await newLeaf(root, { from: NOW - HOUR });
const published = publishedAs(old, bundle);
const foreignLeaf = old.serial.toLowerCase();

test("I4: a leaf that somebody else put there is replaced by Consul's that lives longer, once", async () => {
  const candidate = material(await newLeaf(root));

  const decided = decideOn({ published, candidate, bundle, foreignLeaf });

  assert.equal(decided.writesLeaf, true);
  assert.equal(
    decided.reason,
    `foreign-leaf: another writer put the leaf with the serial number ${foreignLeaf} there`,
  );
  assert.equal(decideOn({ published: carriedOut(decided), candidate, bundle }).writesLeaf, false);
});

test('I4: without a word of somebody else the older leaf stays', async () => {
  const candidate = material(await newLeaf(root));

  assert.equal(decideOn({ published, candidate, bundle }).writesLeaf, false);
});

for (const [what, candidate] of [
  ['it is the same', material(old)],
  ['it lives shorter', material(await newLeaf(root, { from: NOW - 2 * HOUR }))],
  ['it does not work', material(await newLeaf(await newRoot()))],
  ['there is none yet', undefined],
] as const) {
  test(`I4: it stays where Consul's is no better: ${what}`, () => {
    const { writesLeaf, violation } = decideOn({ published, candidate, bundle, foreignLeaf });

    assert.deepEqual([writesLeaf, violation], [false, undefined]);
  });
}

test('I4: one of the active root is not replaced by one of the previous root, however long that lives', async () => {
  const previous = await newRoot();
  const candidate = material(await newLeaf(previous, { lasts: 500 * HOUR }));

  const { writesLeaf } = decideOn({ published, candidate, bundle: bundleOf(root, previous), foreignLeaf });

  assert.equal(writesLeaf, false);
});

test('I4: in doubt about the roots nothing is replaced', async () => {
  const other = await newRoot();
  const candidate = material(await newLeaf(root));
  const confirmAfter = NOW + 1_000;

  const { writesLeaf } = decideOn({
    published,
    candidate,
    bundle: bundleOf(root, other),
    foreignLeaf,
    confirmAfter,
  });

  assert.equal(writesLeaf, false);
});
