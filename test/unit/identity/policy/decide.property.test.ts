import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isServable } from '../../../../src/identity/x509/pem.ts';
import { runs } from '../../property-runs.ts';
import { type Listed, situations } from '../arbitraries.ts';
import { refusalOf } from '../openssl.ts';
import { carriedOut, decideOn, HOUR } from '../support.ts';
import { compareRanks, rankOf, rankWithin } from './rank.ts';

function forAny(holds: (listed: Listed) => void): void {
  fc.assert(fc.property(situations, holds), runs(80));
}

test('in any situation a decision throws nothing, is repeatable, and writes nothing on its own result', () => {
  forAny(({ situation }) => {
    const first = decideOn(situation);
    assert.ok(first.recheckAt > situation.at);
    assert.deepEqual(decideOn(situation), first);

    const published = carriedOut(first, situation.published);
    const again = decideOn({ ...situation, published });
    assert.deepEqual([again.writesLeaf, again.writesBundle], [false, false]);
    assert.deepEqual(carriedOut(again, published), published);
    assert.deepEqual(again.violation, first.violation);
  });
});

test('in any situation the result is valid, and a valid candidate is published', () => {
  forAny(({ situation, listed }) => {
    const { candidate, at, scope } = situation;
    const decision = decideOn(situation);

    const result = carriedOut(decision);
    const [works, isOfNamespace] = rankOf(result, listed, at, scope?.namespace);
    // A leaf that stays may be from a writer whose clock is ahead.
    const worksSoon = decision.writesLeaf ? works : rankWithin(HOUR, result, listed, at)[0];
    // A leaf that stays though it is invalid may be valid here, because every path is tried and not only the first.
    const isBroken = result !== undefined && decision.violation?.reason === 'invalid';
    if (!isBroken) assert.equal(worksSoon, result === undefined ? 0 : 1);
    if (decision.writesLeaf) assert.equal(isOfNamespace, 1);
    // If Consul's leaf is in scope and valid as sent, something must be published.
    const [candidateWorks, candidateFits] = rankOf(candidate, listed, at, scope?.namespace);
    if (candidateWorks === 1 && candidateFits === 1) assert.ok(result);
  });
});

test('in any situation a leaf is replaced only by a better one, or if gateways cannot read it, and is otherwise not altered', () => {
  const property = fc.asyncProperty(situations, async ({ situation, listed }) => {
    const { published, bundle, at, scope } = situation;
    const before = rankOf(published, listed, at, scope?.namespace);

    const decision = decideOn(situation);

    if (decision.writesLeaf) {
      const after = rankOf(carriedOut(decision, published), listed, at, scope?.namespace);
      const served = published?.certificatePem ?? '';
      const isBetter = compareRanks(after, before) > 0 || !isServable(served, 'it');
      assert.ok(
        isBetter || (await refusalOf(served, bundle.pem, at)),
        `${after} is no better than ${before}`,
      );
    } else if (decision.content !== undefined) {
      assert.equal(decision.content.tlsCrt, published?.certificatePem);
      assert.equal(decision.content.tlsKey, published?.privateKeyPem);
    }
  });
  return fc.assert(property, runs(80));
});

test('in any situation nothing changes before the time to decide again', () => {
  forAny(({ situation }) => {
    const first = decideOn(situation);
    const published = carriedOut(first, situation.published);
    const before = decideOn({ ...situation, published, at: first.recheckAt - 1 });
    assert.equal(before.writesLeaf, false);
    assert.equal(before.rejected?.code, first.rejected?.code);
    if (first.violation === undefined) assert.equal(before.violation, undefined);
  });
});
