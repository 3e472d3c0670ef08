import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../../../src/identity/policy/decide.ts';
import { buildTrustBundle } from '../../../../src/identity/trust-bundle.ts';
import {
  bundleOf,
  DAY,
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
import { testDecisions } from './table.ts';

const root = await newRoot();
const bundle = bundleOf(root);

const former = '99999999-2222-3333-4444-555555555555.consul';

for (const [trustDomain, named] of [
  [former, former],
  [bundle.trustDomain, undefined],
] as const) {
  test(`the previous trust domain is ${named === undefined ? 'not named if it is the same' : 'named if it differs'}`, async () => {
    const elsewhere = await newRoot({ trustDomain });
    const itsBundle = buildTrustBundle({ ...listing(listRoot(elsewhere)), trustDomain }, NOW);
    const published = publishedAs(await newLeaf(elsewhere), itsBundle);
    const candidate = material(await newLeaf(root));

    const decision = decide({ published, candidate, service: SERVICE, bundle, at: NOW });

    assert.ok(decision.kind === 'replace');
    assert.equal(decision.formerTrustDomain, named);
  });
}

const old = await newLeaf(root, { from: NOW - 60 * HOUR });
const lasts = 1_000 * DAY;
const longRoot = await newRoot({ notAfter: new Date(NOW + 10 * lasts) });
const longBundle = bundleOf(longRoot);
const longLeaf = await newLeaf(longRoot, { from: NOW - 800 * DAY, lasts });
const begins = NOW + 3 * HOUR;
const future = await newRoot({ notBefore: new Date(begins) });
const withFuture = buildTrustBundle(listing(listRoot(root), listRoot(future)), NOW);
const usual = { bundle };

testDecisions(usual, {
  'I4: an older leaf of another writer is replaced by one that is no longer fresh': [
    {
      published: publishedAs(old, bundle),
      candidate: material(await newLeaf(root, { from: NOW - 50 * HOUR })),
      foreignLeaf: old.serial.toLowerCase(),
    },
    { writes: 'leaf' },
  ],
  'a leaf of years whose renewal is due is checked again each day': [
    { published: publishedAs(longLeaf, longBundle), candidate: material(longLeaf), bundle: longBundle },
    { violation: 'renewal-due', recheckAt: NOW + DAY },
  ],
  'I3: a root that is not valid yet is checked again when it joins the bundle': [
    { published: publishedAs(await newLeaf(root), withFuture), bundle: withFuture },
    { recheckAt: begins - HOUR },
  ],
});
