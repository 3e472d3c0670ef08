import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Published } from '../../../../src/identity/published.ts';
import { buildTrustBundle, type TrustBundle } from '../../../../src/identity/trust-bundle.ts';
import type { Authority } from '../../../fixtures/certificates/authority.ts';
import { extendedKeyUsage, nameConstraints } from '../../../fixtures/certificates/factory.ts';
import { active, before, newOne, oldLeaf, previous, published } from '../rotation.ts';
import {
  bundleOf,
  decideOn,
  listing,
  listRoot,
  material,
  NOW,
  newLeaf,
  newRoot,
  publishedAs,
} from '../support.ts';

/** The bundle once `to` is the active root, with the certificate by which `from` cross-signed it. */
function rotated(from: Authority, to: Authority, hash: 'sha1' | 'sha256' = 'sha256'): TrustBundle {
  const intermediates = [from.crossSign(to, { hash })];
  return buildTrustBundle(listing(listRoot(to, { intermediates }), listRoot(from)), NOW);
}

function isDeferred(bundle: TrustBundle, before: Published, candidate = material(oldLeaf)): boolean {
  const upstream = { rootsSince: NOW };
  return decideOn({ published: before, candidate, bundle, upstream }).deferredUntil !== undefined;
}

test('a new root that is cross-signed waits, unless peers reject the signature for its hash', () => {
  assert.equal(isDeferred(rotated(previous, active), published), true);
  assert.equal(isDeferred(rotated(previous, active, 'sha1'), published), false);
});

for (const [what, extension] of [
  ['uses of the key', extendedKeyUsage('clientAuth', 'serverAuth')],
  ['names', nameConstraints({ permitted: ['.consul'] })],
] as const) {
  test(`a new root does not wait below a published one that is limited to some ${what}`, async () => {
    const limited = await newRoot({ name: 'limited', extensions: [extension] });
    const leaf = await newLeaf(limited);

    assert.equal(
      isDeferred(rotated(limited, active), publishedAs(leaf, bundleOf(limited)), material(leaf)),
      false,
    );
  });
}

test('a further root does not wait where the published leaf is of the active one: no new leaf follows', async () => {
  const further = await newRoot({ name: 'further' });
  const intermediates = [active.crossSign(further)];
  const bundle = buildTrustBundle(listing(listRoot(active), listRoot(further, { intermediates })), NOW);

  assert.equal(isDeferred(bundle, publishedAs(newOne, bundleOf(active)), material(newOne)), false);
});

test('a ca.crt that is missing or damaged does not wait with a new root', () => {
  for (const caPem of [undefined, 'x']) {
    assert.equal(
      isDeferred(rotated(previous, active), { ...published, caPem, upstreamCaPem: before.pem }),
      false,
    );
  }
});
