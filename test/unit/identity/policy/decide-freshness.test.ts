import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTrustBundle } from '../../../../src/identity/trust-bundle.ts';
import { active, after, before, newOne, oldLeaf, previous } from '../rotation.ts';
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
  publishedAs,
  SECOND,
} from '../support.ts';

// Another replica has heard of the new root and published; this one still knows the previous one.
const candidate = material(oldLeaf);
const confirmAfter = NOW + SECOND;

for (const [what, published] of [
  ['roots', publishedAs(oldLeaf, after)],
  ['roots and leaf', publishedAs(newOne, after)],
] as const) {
  test(`${what} of a replica that knows more stay, until Consul is asked again`, () => {
    const decision = decideOn({ published, candidate, bundle: before, confirmAfter });

    assert.deepEqual([decision.writesLeaf, decision.writesBundle], [false, false]);
    assert.deepEqual(carriedOut(decision, published), published);
    assert.equal(decision.violation, undefined);
    assert.deepEqual([decision.requeryRoots, decision.recheckAt], [false, confirmAfter]);
  });

  test(`${what} that Consul does not list, though it was asked again, are put right`, () => {
    const decision = decideOn({ published, candidate, bundle: before });

    assert.equal(decision.writesBundle, true);
    assert.equal(decision.requeryRoots, false);
    assert.equal(carriedOut(decision)?.caPem, before.pem);
    assert.equal(carriedOut(decision)?.certificatePem, oldLeaf.certPem);
  });
}

test('Consul is asked as soon as it is worth it, and now and then while it does not answer', () => {
  const published = publishedAs(newOne, after);

  const decision = decideOn({ published, bundle: before, confirmAfter, at: confirmAfter });

  assert.equal(decision.requeryRoots, true);
  assert.equal(decision.recheckAt, confirmAfter + 30 * SECOND);
});

test('F1: of two Secrets that another replica is writing, neither is touched', () => {
  const published = { ...publishedAs(oldLeaf, before), upstreamCaPem: after.pem };
  const upstream = { rootsSince: NOW - HOUR };

  const decision = decideOn({ published, candidate, bundle: before, confirmAfter, upstream });

  assert.deepEqual([decision.writesLeaf, decision.writesBundle], [false, false]);
  assert.equal(decision.content?.upstreamCaCrt, after.pem);
});

test('F1: a root that another replica removed is not put back', () => {
  const published = publishedAs(oldLeaf, before);

  const decision = decideOn({ published, candidate, bundle: after, confirmAfter });

  assert.deepEqual([decision.writesLeaf, decision.writesBundle], [false, false]);
});

test('F10: roots that another replica published before it had a leaf of them stay', () => {
  const published = publishedAs(oldLeaf, bundleOf(active));

  const decision = decideOn({ published, candidate, bundle: before, confirmAfter });

  assert.deepEqual([decision.writesLeaf, decision.writesBundle], [false, false]);
});

test('a Consul that another replica found begun anew is not undone', async () => {
  const trustDomain = '99999999-2222-3333-4444-555555555555.consul';
  const elsewhere = await newRoot({ name: 'anew', trustDomain });
  const itsBundle = buildTrustBundle({ ...listing(listRoot(elsewhere)), trustDomain }, NOW);
  const published = publishedAs(await newLeaf(elsewhere), itsBundle);

  const doubted = decideOn({ published, candidate, bundle: before, confirmAfter });
  assert.equal(doubted.content, undefined);

  assert.match(decideOn({ published, candidate, bundle: before }).reason ?? '', /^wrong-identity: /);
});

test('in doubt, what is missing or damaged is put right as ever', () => {
  const damaged = { ...publishedAs(oldLeaf, after), privateKeyPem: '' };

  for (const published of [undefined, damaged]) {
    const decision = decideOn({ published, candidate, bundle: before, confirmAfter });

    assert.equal(carriedOut(decision)?.certificatePem, oldLeaf.certPem);
  }
});

for (const [hours, replaced] of [
  [89, false],
  [91, true],
] as const) {
  test(`in doubt, a leaf that is ${hours} % over ${replaced ? 'is replaced below' : 'stays with'} the roots that were published`, async () => {
    const ageing = publishedAs(await newLeaf(previous, { from: NOW - hours * HOUR }), after);

    const decision = decideOn({ published: ageing, candidate, bundle: before, confirmAfter });

    assert.equal(decision.writesLeaf, replaced);
    assert.equal(carriedOut(decision, ageing)?.caPem, after.pem);
  });
}

test('a bundle that somebody replaced by what is no root is no reason for doubt, and is put right at once', () => {
  const published = { ...publishedAs(oldLeaf, before), caPem: 'edited by hand' };

  const decision = decideOn({ published, candidate, bundle: before, confirmAfter });

  assert.equal(decision.writesBundle, true);
  assert.equal(carriedOut(decision, published)?.caPem, before.pem);
});

for (const [what, minutes, writes] of [
  ['has just expired', -10, false],
  ['is about to expire', 10, false],
  ['expires in half an hour', 30, true],
] as const) {
  test(`F5: whether a listed root is published that ${what} is ${writes ? '' : 'not '}worth a write`, async () => {
    const ending = await newRoot({ notAfter: new Date(NOW + minutes * 60 * SECOND) });
    const listed = buildTrustBundle(listing(listRoot(previous), listRoot(ending)), NOW);
    const [without, within] = [before.pem, before.pem + ending.certPem];

    const decisions = [without, within].map((caPem) =>
      decideOn({ published: { ...publishedAs(oldLeaf, before), caPem }, bundle: listed }),
    );

    assert.deepEqual(
      decisions.map(({ writesBundle }) => writesBundle),
      [writes, false],
    );
  });
}

test('what is damaged is mended by those who know the newest roots', () => {
  const caPem = 'edited by hand';
  const damaged = { ...publishedAs(oldLeaf, after), caPem, upstreamCaPem: undefined };

  const writes = [false, true].map(
    (isBehind) =>
      decideOn({ published: damaged, candidate, bundle: before, confirmAfter, isBehind }).writesBundle,
  );

  assert.deepEqual(writes, [true, false]);
});

test('F10: a bundle that was published before any leaf of it stays, whoever has none', async () => {
  const leafOfNeither = publishedAs(await newLeaf(await newRoot()), bundleOf(active));

  const decision = decideOn({
    published: leafOfNeither,
    candidate,
    bundle: before,
    confirmAfter,
    isBehind: true,
  });

  assert.deepEqual([decision.writesLeaf, decision.writesBundle], [false, false]);
  assert.equal(decision.violation?.reason, 'invalid');
});
