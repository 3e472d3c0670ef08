import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { readCertificates } from '../../../../src/identity/x509/certificate.ts';
import type { Authority } from '../../../fixtures/certificates/factory.ts';
import { runs } from '../../property-runs.ts';
import { type Listed, rotations, tryBundle } from '../arbitraries.ts';
import { refusalOf } from '../openssl.ts';
import { meshLeaves } from '../pool.ts';
import { carriedOut, decideOn, type Effects } from '../support.ts';
import { rankOf } from './rank.ts';

const held = rotations.filter(({ situation }) => decideOn(situation).deferredUntil !== undefined);

/** The decision at a later time with the same list of roots; undefined if all have expired. */
function later({ situation, listed }: Listed, at: number): Effects | undefined {
  const bundle = tryBundle(listed, at);
  return bundle && decideOn({ ...situation, bundle, at });
}

/** Whether no root has expired by `at`, and the published leaf is still valid. */
function isUnchanged({ situation, listed }: Listed, at: number): boolean {
  const { published, bundle } = situation;
  return tryBundle(listed, at)?.pem === bundle.pem && rankOf(published, listed, at)[0] === 1;
}

function heldUntilOf({ situation }: Listed): number {
  const { deferredUntil } = decideOn(situation);
  assert.ok(deferredUntil !== undefined && deferredUntil > situation.at);
  return deferredUntil;
}

test('while new roots wait nothing is written, and deciding again gives the same result', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const property = fc.property(held, share, (listed, passed) => {
    const { situation } = listed;
    const until = heldUntilOf(listed);
    const at = Math.min(until - 1, situation.at + Math.floor(passed * (until - situation.at)));
    fc.pre(isUnchanged(listed, at));

    const decision = later(listed, at);

    assert.deepEqual([decision?.writesLeaf, decision?.writesBundle], [false, false]);
    assert.equal(decision?.deferredUntil, until);
    assert.equal(decision?.content?.caCrt, situation.published?.caPem);
    assert.ok((decision?.recheckAt ?? Number.POSITIVE_INFINITY) <= until);
  });
  fc.assert(property, runs(25));
});

test('after the wait the bundle is written, and then nothing more', () => {
  const property = fc.property(held, fc.nat({ max: 60_000 }), (listed, ms) => {
    const at = heldUntilOf(listed) + ms;
    fc.pre(isUnchanged(listed, at));

    const decision = later(listed, at);
    assert.deepEqual([decision?.writesLeaf, decision?.writesBundle], [false, true]);
    const published = decision && carriedOut(decision);
    const again = later({ ...listed, situation: { ...listed.situation, published } }, at);

    assert.equal(published?.upstreamCaPem, tryBundle(listed.listed, at)?.pem);
    assert.deepEqual([again?.writesLeaf, again?.writesBundle], [false, false]);
  });
  fc.assert(property, runs(25));
});

test('while new roots wait, a peer with any leaf of them and the cross-signed certificate is verified by what is published', async () => {
  const property = fc.asyncProperty(held, fc.boolean(), fc.nat(), async (listed, atTheEnd, nth) => {
    const { published, bundle, at } = listed.situation;
    const trusted = published?.upstreamCaPem ?? '';
    const known = new Set(readCertificates(trusted, 'it').map(({ fingerprint }) => fingerprint));
    const added = bundle.anchors.filter(({ fingerprint }) => !known.has(fingerprint));
    const mesh = meshLeaves.filter(({ root }) => added.some(({ pem }) => pem === root.certPem));
    const peer = mesh[nth % mesh.length];
    assert.ok(peer);
    const when = atTheEnd ? heldUntilOf(listed) - 1 : at;
    fc.pre(isUnchanged(listed, when));

    const refusals: (string | undefined)[] = [];
    for (const cross of crossesOf(peer.root, listed)) {
      refusals.push(await refusalOf(peer.leaf.chainPem + cross, trusted, when, 'sslserver'));
    }

    assert.ok(
      refusals.includes(undefined),
      `no peer of ${peer.root.name} is verified: ${refusals.join('; ')}`,
    );
  });
  await fc.assert(property, runs(12));
});

/** All listed certificates of the root's key, valid or not. */
function crossesOf(root: Authority, { listed }: Listed): string[] {
  const { publicKey } = new X509Certificate(root.certPem);
  const pems = new Set(listed.roots.flatMap(({ intermediatePems }) => intermediatePems));
  return [...pems].filter((pem) => new X509Certificate(pem).publicKey.equals(publicKey));
}
