import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { runs } from '../property-runs.ts';
import { type Listed, oddSituations, situations } from './arbitraries.ts';
import { refusalOf } from './openssl.ts';
import { beginningsWithin } from './policy/rank.ts';
import { decideOn, HOUR, NOW, newLeaf, newRoot } from './support.ts';

function acceptsWhatIsPublished(of: fc.Arbitrary<Listed>, whole: number): Promise<void> {
  const property = fc.asyncProperty(of, async ({ situation }) => {
    const { content, writesLeaf, violation } = decideOn(situation);
    fc.pre(content !== undefined && violation?.reason !== 'invalid');
    // A leaf that stays may be from a writer whose clock is ahead.
    const beginnings = writesLeaf ? [] : beginningsWithin(HOUR, content.tlsCrt + content.caCrt, situation.at);

    const moments = [situation.at, ...beginnings];
    const refusals = await Promise.all(moments.map((at) => refusalOf(content.tlsCrt, content.caCrt, at)));

    assert.ok(refusals.includes(undefined), String(refusals[0]));
  });
  return fc.assert(property, runs(whole));
}

test('openssl rejects a leaf with the roots of another, so its verdict counts', async () => {
  const [root, other] = [await newRoot(), await newRoot()];
  const { certPem } = await newLeaf(root);
  assert.equal(await refusalOf(certPem, root.certPem, NOW), undefined);
  assert.match((await refusalOf(certPem, other.certPem, NOW)) ?? '', /unable to get local issuer/);
});

test('openssl verify accepts all that is published', () => acceptsWhatIsPublished(situations, 20));

test('openssl verify accepts all that is published, of certificates that no honest CA makes too', () =>
  acceptsWhatIsPublished(oddSituations, 20));
