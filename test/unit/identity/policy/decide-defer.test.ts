import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DecisionInput } from '../../../../src/identity/policy/decision.ts';
import type { Published } from '../../../../src/identity/published.ts';
import { buildTrustBundle } from '../../../../src/identity/trust-bundle.ts';
import { Authority } from '../../../fixtures/certificates/authority.ts';
import {
  active,
  before,
  newOne,
  oldLeaf,
  previous,
  published,
  after as withoutCrossSigning,
} from '../rotation.ts';
import {
  bundleOf,
  carriedOut,
  DAY,
  decideOn,
  listing,
  listRoot,
  material,
  NOW,
  newLeaf,
  newRoot,
  publishedAs,
  SECOND,
} from '../support.ts';

const rotation = await rotated(previous, active);
const atOnce = { published, candidate: material(oldLeaf), upstream: { rootsSince: NOW } };

/** The bundle after `to` took over from `from`, which cross-signed it unless `by` did. */
async function rotated(from: Authority, to: Authority, by = from, validity = {}) {
  const intermediates = [by.crossSign(to, validity)];
  return buildTrustBundle(listing(listRoot(to, { intermediates }), listRoot(from)), NOW);
}

function assertWrittenNow(situation: Pick<DecisionInput, 'bundle'> & Partial<DecisionInput>): void {
  const decision = decideOn({ ...atOnce, ...situation });
  assert.equal(decision.writesBundle, true);
  assert.equal(decision.deferredUntil, undefined);
  assert.equal(decision.content?.caCrt, situation.bundle.pem);
}

test('a new root that is cross-signed by a published one waits for the new leaf', () => {
  const decision = decideOn({ ...atOnce, bundle: rotation });

  assert.deepEqual([decision.writesLeaf, decision.writesBundle], [false, false]);
  assert.equal(decision.content?.caCrt, before.pem);
  assert.equal(decision.deferredUntil, NOW + 60 * SECOND);
  assert.ok(decision.recheckAt <= NOW + 60 * SECOND);
});

test('the new leaf brings the roots that waited with it, in one decision', () => {
  const decision = decideOn({ ...atOnce, bundle: rotation, candidate: material(newOne) });

  assert.deepEqual([decision.writesLeaf, decision.writesBundle], [true, true]);
  assert.equal(decision.content?.caCrt, rotation.pem);
  const again = decideOn({
    ...atOnce,
    bundle: rotation,
    candidate: material(newOne),
    published: carriedOut(decision),
  });
  assert.deepEqual([again.writesLeaf, again.writesBundle], [false, false]);
});

test('after 60 s the new root waits no longer', () => {
  const held = decideOn({ ...atOnce, bundle: rotation, at: NOW + 60 * SECOND - 1 });
  assert.equal(held.writesBundle, false);

  assertWrittenNow({ bundle: rotation, at: NOW + 60 * SECOND });
});

test('a gateway that verifies nothing upstream gets the new root at once: it costs no reload', () => {
  assertWrittenNow({ bundle: rotation, upstream: undefined });
});

test('without cross-signing the new root is written at once: peers of the new root could not be verified', () => {
  assertWrittenNow({ bundle: withoutCrossSigning });
});

test('a new root that is cross-signed by a root nobody published does not wait', async () => {
  const stranger = await newRoot({ name: 'stranger' });
  assertWrittenNow({ bundle: await rotated(previous, active, stranger) });
});

test('a cross-signed certificate that has expired vouches for nothing', async () => {
  const expired = { notBefore: new Date(NOW - 2 * DAY), notAfter: new Date(NOW - DAY) };
  assertWrittenNow({ bundle: await rotated(previous, active, previous, expired) });
});

test('two new roots, of which one is not cross-signed, do not wait', async () => {
  const intermediates = [previous.crossSign(active)];
  const other = await newRoot({ name: 'other' });
  const listed = listing(listRoot(active, { intermediates }), listRoot(previous), listRoot(other));
  assertWrittenNow({ bundle: buildTrustBundle(listed, NOW) });
});

const SPOILT: readonly [string, Published][] = [
  ['is missing', { ...published, upstreamCaPem: undefined }],
  ['holds no certificate', { ...published, upstreamCaPem: 'x' }],
  ['differs from ca.crt', { ...published, upstreamCaPem: withoutCrossSigning.pem }],
  ['cannot be read, and ca.crt is the same', { ...published, caPem: 'x', upstreamCaPem: 'x' }],
];

for (const [what, spoilt] of SPOILT) {
  test(`a published bundle that ${what} is written at once, in the middle of a rotation too`, () => {
    assertWrittenNow({ bundle: rotation, published: spoilt });
  });
}

test('a root that goes is taken out at once: no new leaf will follow', async () => {
  const rotatedLeaf = publishedAs(newOne, rotation);
  assertWrittenNow({ bundle: bundleOf(active), published: rotatedLeaf, candidate: material(newOne) });
});

test('the bundle in its own Secret counts only where it is asked for', () => {
  const lacks = { ...published, upstreamCaPem: undefined };

  assert.equal(decideOn({ published: lacks, bundle: before }).writesBundle, false);
  assert.equal(decideOn({ ...atOnce, published: lacks, bundle: before }).writesBundle, true);
});

test('a cross-signed certificate that expires while the root would wait vouches for nothing', async () => {
  const ends = (ms: number) => ({ notAfter: new Date(NOW + ms) });
  assertWrittenNow({ bundle: await rotated(previous, active, previous, ends(60 * SECOND)) });

  const longer = await rotated(previous, active, previous, ends(61 * SECOND));
  assert.equal(decideOn({ ...atOnce, bundle: longer }).deferredUntil, NOW + 60 * SECOND);
});

test('a published root that expires while the new one would wait vouches for nothing', async () => {
  const dying = await newRoot({ name: 'dying', notAfter: new Date(NOW + 30 * SECOND) });
  const ofDying = publishedAs(await newLeaf(dying), bundleOf(dying));
  assertWrittenNow({ bundle: await rotated(dying, active), published: ofDying });
});

test('a published root that allows no intermediate below it vouches for nothing', async () => {
  const shallow = await newRoot({ name: 'shallow', pathLength: 0 });
  const ofShallow = publishedAs(await newLeaf(shallow), bundleOf(shallow));
  assertWrittenNow({ bundle: await rotated(shallow, active), published: ofShallow });
});

test("the new root's key in a certificate that is no CA, or under another name, vouches for nothing", async () => {
  const noCa = await newLeaf(previous, { keys: active.keys, service: 'active' });
  const { keys, keyId, trustDomain } = active;
  const renamed = new Authority({
    name: 'renamed',
    trustDomain,
    keys,
    keyId,
    certificate: active,
    chainPem: '',
  });
  for (const impostor of [noCa, previous.crossSign(renamed)]) {
    const listed = listing(listRoot(active, { intermediates: [impostor] }), listRoot(previous));
    assertWrittenNow({ bundle: buildTrustBundle(listed, NOW) });
  }
});
