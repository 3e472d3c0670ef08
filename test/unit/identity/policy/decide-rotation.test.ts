import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTrustBundle } from '../../../../src/identity/trust-bundle.ts';
import { active, before, newOne, oldLeaf, previous, published, after as rotation } from '../rotation.ts';
import {
  bundleOf,
  carriedOut,
  decideOn,
  HOUR,
  listing,
  listRoot,
  material,
  NOW,
  newLeaf,
  newRoot,
  pemsOf,
  publishedAs,
} from '../support.ts';

test('a leaf signed by the previous root is kept until the new one arrives', () => {
  const decision = decideOn({ published, candidate: material(oldLeaf), bundle: rotation });

  assert.equal(decision.writesLeaf, false);
  assert.equal(decision.content?.tlsCrt, oldLeaf.chainPem);
  assert.equal(decision.violation?.reason, 'inactive-root');
  assert.equal(decision.rejected, undefined);
});

test('the bundle gains the new root at once', () => {
  const decision = decideOn({ published, candidate: material(oldLeaf), bundle: rotation });

  assert.equal(decision.writesBundle, true);
  assert.equal(decision.content?.caCrt, pemsOf(active, previous).join(''));
});

test('a leaf signed by the active root replaces one of the previous root', () => {
  const decision = decideOn({ published, candidate: material(newOne), bundle: rotation });

  assert.equal(decision.writesLeaf, true);
  assert.match(decision.reason ?? '', /^inactive-root: /);
  assert.equal(decision.violation, undefined);
});

test('another leaf of the previous root does not replace one of the previous root', async () => {
  const another = material(await newLeaf(previous, { from: NOW + 1_000 }));

  const decision = decideOn({ published, candidate: another, bundle: rotation, at: NOW + 2_000 });

  assert.equal(decision.writesLeaf, false);
});

test('a leaf of the previous root that is ageing is renewed, though the new one is another of the previous root', async () => {
  const at = NOW + 71 * HOUR;
  const another = await newLeaf(previous, { from: at });

  const decision = decideOn({ published, candidate: material(another), bundle: rotation, at });

  assert.equal(decision.writesLeaf, true);
  assert.match(decision.reason ?? '', /^renewal-due: /);
  assert.equal(decision.violation?.reason, 'inactive-root');
});

test('a leaf of the previous root does not displace an ageing one of the active root', async () => {
  const at = NOW + 71 * HOUR;
  const another = material(await newLeaf(previous, { from: at }));

  const decision = decideOn({
    published: publishedAs(newOne, rotation),
    candidate: another,
    bundle: rotation,
    at,
  });

  assert.equal(decision.writesLeaf, false);
  assert.equal(decision.violation?.reason, 'renewal-due');
});

test('a leaf of the previous root is published where nothing is: peers still accept it', () => {
  const decision = decideOn({ candidate: material(oldLeaf), bundle: rotation });

  assert.equal(decision.writesLeaf, true);
  assert.equal(decision.violation?.reason, 'inactive-root');
});

test('a leaf of a root that is not listed holds, whatever its age', async () => {
  const stranger = material(await newLeaf(await newRoot(), { from: NOW + HOUR }));

  const decision = decideOn({ published, candidate: stranger, bundle: before, at: NOW + 90 * HOUR });

  assert.equal(decision.writesLeaf, false);
  assert.equal(decision.rejected?.code, 'NO_CHAIN');
});

test('where the active root has expired a leaf of another listed root is good', async () => {
  const expired = await newRoot({ notAfter: new Date(NOW - 1_000) });
  const bundle = bundleOf(expired, previous);

  const decision = decideOn({ published, candidate: material(oldLeaf), bundle });

  assert.equal(decision.violation, undefined);
});

test('a leaf whose intermediate both roots signed is published once and then kept', async () => {
  const middle = await previous.issueIntermediate();
  const resigned = active.crossSign(middle);
  const listed = listing(listRoot(active, { intermediates: [resigned] }), listRoot(previous));
  const bundle = buildTrustBundle(listed, NOW);
  const candidate = material(await newLeaf(middle));

  const first = decideOn({ candidate, bundle });
  const again = decideOn({ published: carriedOut(first), candidate, bundle });

  assert.equal(first.violation, undefined);
  assert.deepEqual([again.writesLeaf, again.writesBundle, again.violation], [false, false, undefined]);
});

test('after a whole rotation the previous root leaves the bundle and the leaf stays', () => {
  const decision = decideOn({ published: publishedAs(newOne, rotation), bundle: bundleOf(active) });

  assert.deepEqual([decision.writesLeaf, decision.writesBundle], [false, true]);
});
