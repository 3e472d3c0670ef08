import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../../../src/identity/policy/decide.ts';
import { buildTrustBundle } from '../../../../src/identity/trust-bundle.ts';
import {
  bundleOf,
  DAY,
  decideOn,
  HOUR,
  listing,
  listRoot,
  material,
  NOW,
  newLeaf,
  newRoot,
  publishedAs,
  SERVICE,
} from '../support.ts';

const root = await newRoot();
const bundle = bundleOf(root);

for (const [trustDomain, former] of [
  ['99999999-2222-3333-4444-555555555555.consul', '99999999-2222-3333-4444-555555555555.consul'],
  [bundle.trustDomain, undefined],
] as const) {
  test(`the trust domain of before is ${former === undefined ? 'not ' : ''}named where it is ${former === undefined ? 'the same' : 'another one'}`, async () => {
    const elsewhere = await newRoot({ trustDomain });
    const itsBundle = buildTrustBundle({ ...listing(listRoot(elsewhere)), trustDomain }, NOW);
    const published = publishedAs(await newLeaf(elsewhere), itsBundle);

    const decision = decide({
      published,
      candidate: material(await newLeaf(root)),
      service: SERVICE,
      bundle,
      at: NOW,
    });

    assert.ok(decision.kind === 'replace');
    assert.equal(decision.formerTrustDomain, former);
  });
}

test('I4: an older leaf of another writer is replaced by one that is no longer fresh', async () => {
  const old = await newLeaf(root, { from: NOW - 60 * HOUR });
  const candidate = material(await newLeaf(root, { from: NOW - 50 * HOUR }));
  const foreignLeaf = old.serial.toLowerCase();

  assert.equal(
    decideOn({ published: publishedAs(old, bundle), candidate, bundle, foreignLeaf }).writesLeaf,
    true,
  );
});

test('a leaf of years whose renewal is due is looked at again each day', async () => {
  const lasts = 1_000 * DAY;
  const longRoot = await newRoot({ notAfter: new Date(NOW + 10 * lasts) });
  const leaf = await newLeaf(longRoot, { from: NOW - 800 * DAY, lasts });
  const longBundle = bundleOf(longRoot);

  const { recheckAt } = decideOn({
    published: publishedAs(leaf, longBundle),
    candidate: material(leaf),
    bundle: longBundle,
  });

  assert.equal(recheckAt, NOW + DAY);
});

test('I3: a root that is not valid yet is looked at again in the moment it comes into the bundle', async () => {
  const begins = NOW + 3 * HOUR;
  const future = await newRoot({ notBefore: new Date(begins) });
  const listed = buildTrustBundle(listing(listRoot(root), listRoot(future)), NOW);
  const leaf = await newLeaf(root);

  const { recheckAt } = decideOn({
    published: publishedAs(leaf, listed),
    candidate: material(leaf),
    bundle: listed,
  });

  assert.equal(recheckAt, begins - HOUR);
});
