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

test('the second Secret is written before the first: its roots stay, and go into the other', () => {
  const published = { ...publishedAs(oldLeaf, after), caPem: before.pem };
  const upstream = { rootsSince: NOW - HOUR };

  const decision = decideOn({ published, candidate, bundle: before, confirmAfter, upstream });

  assert.equal(decision.content?.caCrt, after.pem);
  assert.equal(decision.writesLeaf, false);
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

test('in doubt, what is missing, damaged or ageing is put right as ever', async () => {
  const ageing = await newLeaf(previous, { from: NOW - 90 * HOUR });
  const damaged = { ...publishedAs(oldLeaf, after), privateKeyPem: '' };

  for (const published of [undefined, damaged, publishedAs(ageing, after)]) {
    const decision = decideOn({ published, candidate, bundle: before, confirmAfter });

    assert.equal(carriedOut(decision)?.certificatePem, oldLeaf.certPem);
  }
});

test('a leaf that replaces an ageing one in doubt is published with the roots of both', async () => {
  const ageing = await newLeaf(active, { from: NOW - 90 * HOUR });
  const published = publishedAs(ageing, bundleOf(active));

  const decision = decideOn({ published, candidate, bundle: before, confirmAfter });

  assert.equal(carriedOut(decision)?.certificatePem, oldLeaf.certPem);
  assert.equal(carriedOut(decision)?.caPem, bundleOf(previous, active).pem);
});

for (const [what, caPem] of [
  ['another leaf', newOne.certPem],
  ['a root that has not signed the leaf', bundleOf(active).pem],
] as const) {
  test(`a bundle that somebody replaced by ${what} is no reason for doubt, and is put right at once`, () => {
    const published = { ...publishedAs(oldLeaf, before), caPem };

    const decision = decideOn({ published, candidate, bundle: before, confirmAfter });

    assert.equal(decision.writesBundle, true);
    assert.equal(carriedOut(decision, published)?.caPem, before.pem);
  });
}
