import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { IdentityError } from '../../../src/errors.ts';
import type { Published, Situation } from '../../../src/identity/decide.ts';
import { decide } from '../../../src/identity/decide.ts';
import { type LeafMaterial, verifyServed } from '../../../src/identity/identity.ts';
import { buildTrustBundle, type TrustBundle } from '../../../src/identity/trust-bundle.ts';
import {
  carriedOut,
  HOUR,
  LIFETIME,
  listRoot,
  NOW,
  newLeaf,
  newRoot,
  SERVICE,
  TRUST_DOMAIN,
} from './support.ts';

const one = await newRoot();
const two = await newRoot();
const expiring = await newRoot({ notAfter: new Date(NOW + 50 * HOUR) });
const middle = await one.issueIntermediate();
const shortMiddle = await two.issueIntermediate({ notAfter: new Date(NOW + 30 * HOUR) });
const twoByOne = await one.crossSign(two);
const middleByTwo = await two.crossSign(middle);
const loose = [one, two, expiring, middle, shortMiddle, twoByOne, middleByTwo];
const leaves = await Promise.all(
  [one, two, expiring, middle, shortMiddle].flatMap((authority) => [
    newLeaf(authority),
    newLeaf(authority, { from: NOW - 70 * HOUR }),
    newLeaf(authority, { from: NOW + 20 * HOUR, lasts: 2 * LIFETIME }),
    newLeaf(authority, { service: 'web' }),
  ]),
);
const keys = [...leaves.map(({ keyPem }) => keyPem), one.keyPem, '', 'no key'];

const pems = fc
  .array(fc.constantFrom(...loose.map(({ certPem }) => certPem), 'no PEM', ''), { maxLength: 4 })
  .map((parts) => parts.join(''));

/** Mostly a leaf as Consul sends it, sometimes with strays, cut, or with the wrong key. */
const materials: fc.Arbitrary<LeafMaterial> = fc
  .record({
    leaf: fc.constantFrom(...leaves),
    whole: fc.boolean(),
    before: fc.oneof({ weight: 5, arbitrary: fc.constant('') }, { weight: 1, arbitrary: pems }),
    after: pems,
    otherKey: fc.option(fc.constantFrom(...keys), { freq: 6 }),
  })
  .map(({ leaf, whole, before, after, otherKey }) => ({
    certificatePem: before + (whole ? leaf.chainPem : leaf.certPem) + after,
    privateKeyPem: otherKey ?? leaf.keyPem,
  }));

const listed = fc
  .record({
    roots: fc.uniqueArray(fc.constantFrom(one, two, expiring), { minLength: 1 }),
    intermediates: fc.subarray(loose.slice(3)),
  })
  .map(({ roots, intermediates }) => ({
    trustDomain: TRUST_DOMAIN,
    activeRootId: roots[0]?.serial ?? '',
    roots: roots.map((root) => listRoot(root, { intermediates })),
  }));

const situations: fc.Arbitrary<Situation> = fc
  .record({
    published: fc.option(materials, { nil: undefined, freq: 5 }),
    caPem: fc.constantFrom(undefined, one.certPem, one.certPem + two.certPem),
    candidate: fc.option(materials, { nil: undefined, freq: 5 }),
    listed,
    hours: fc.integer({ min: -10, max: 230 }),
  })
  .filter(
    ({ listed: { roots }, hours }) => roots.length > 1 || roots[0]?.id !== expiring.serial || hours <= 50,
  )
  .map(({ published, caPem, candidate, listed: roots, hours }) => {
    const at = NOW + hours * HOUR;
    return {
      published: published === undefined ? undefined : { ...published, caPem },
      candidate,
      service: SERVICE,
      bundle: buildTrustBundle(roots, at),
      at,
    };
  });

function isPublishable(published: Published | undefined, bundle: TrustBundle, at: number): boolean {
  if (published === undefined) return false;
  try {
    return verifyServed(published, SERVICE, bundle, at).leaf !== undefined;
  } catch (error) {
    if (error instanceof IdentityError) return false;
    throw error;
  }
}

function forAny(holds: (situation: Situation) => void): void {
  fc.assert(fc.property(situations, holds), { numRuns: 50 });
}

test('in any situation deciding throws nothing and asks to be called again later', () => {
  forAny((situation) => {
    const decision = decide(situation);

    assert.ok(decision.recheckAt > situation.at);
  });
});

test('in any situation deciding again on its own result writes nothing', () => {
  forAny((situation) => {
    const first = decide(situation);
    const published = carriedOut(first, situation.published);

    const again = decide({ ...situation, published });

    assert.deepEqual([again.writesLeaf, again.writesBundle], [false, false]);
    assert.deepEqual(carriedOut(again, published), published);
    assert.deepEqual(again.condemned, first.condemned);
  });
});

test('in any situation what is to be published works', () => {
  forAny((situation) => {
    const decision = decide(situation);

    const result = carriedOut(decision);
    assert.equal(result !== undefined, isPublishable(result, situation.bundle, situation.at));
  });
});

test('in any situation a publishable leaf is never replaced by nothing, and a leaf that stays is not altered', () => {
  forAny((situation) => {
    const { published, bundle, at } = situation;

    const decision = decide(situation);

    if (isPublishable(published, bundle, at)) assert.ok(decision.content);
    if (decision.content === undefined || decision.writesLeaf) return;
    assert.equal(decision.content.tlsCrt, published?.certificatePem);
    assert.equal(decision.content.tlsKey, published?.privateKeyPem);
  });
});

test('in any situation nothing changes before the time it asks to be called again, unless half a minute passed', () => {
  forAny((situation) => {
    const first = decide(situation);
    const published = carriedOut(first, situation.published);

    const before = decide({ ...situation, published, at: first.recheckAt - 1 });

    assert.equal(before.writesLeaf, false);
    if (first.condemned === undefined) assert.equal(before.condemned, undefined);
  });
});
