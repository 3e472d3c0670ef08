import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTrustBundle, type TrustBundle } from '../../../../src/identity/trust-bundle.ts';
import {
  type Authority,
  type Extension,
  extendedKeyUsage,
  nameConstraints,
} from '../../../fixtures/certificates/factory.ts';
import { active, newOne, previous, published } from '../rotation.ts';
import { bundleOf, decideOn, listing, listRoot, NOW, newLeaf, newRoot, publishedAs } from '../support.ts';
import type { Input } from './table.ts';

/** The bundle once `to` is the active root, with the certificate by which `from` cross-signed it. */
function rotated(from: Authority, to: Authority, hash: 'sha1' | 'sha256' = 'sha256'): TrustBundle {
  const intermediates = [from.crossSign(to, { hash })];
  return buildTrustBundle(listing(listRoot(to, { intermediates }), listRoot(from)), NOW);
}

const rotation = rotated(previous, active);
const further = await newRoot({ name: 'further' });
const crossedFurther = listRoot(further, { intermediates: [active.crossSign(further)] });
const ofActive = publishedAs(newOne, bundleOf(active));

/** The input once `active` took over from a root with this extension. */
async function below(extension: Extension): Promise<Partial<Input>> {
  const limited = await newRoot({ name: 'limited', extensions: [extension] });
  const limitedLeaf = await newLeaf(limited);
  return { published: publishedAs(limitedLeaf, bundleOf(limited)), bundle: rotated(limited, active) };
}

const CASES: Readonly<Record<string, readonly [Partial<Input>, boolean]>> = {
  'waits if it is cross-signed': [{}, true],
  'does not wait if peers reject the cross-signed certificate for its hash': [
    { bundle: rotated(previous, active, 'sha1') },
    false,
  ],
  'does not wait below a published one that is limited to some uses of its key': [
    await below(extendedKeyUsage('clientAuth', 'serverAuth')),
    false,
  ],
  'does not wait below a published one that is limited to some names': [
    await below(nameConstraints({ permitted: ['.consul'] })),
    false,
  ],
  'does not wait if the published leaf is of the active one: no new leaf follows': [
    { published: ofActive, bundle: buildTrustBundle(listing(listRoot(active), crossedFurther), NOW) },
    false,
  ],
  'does not wait if ca.crt is missing': [{ published: { ...published, caPem: undefined } }, false],
  'does not wait if ca.crt is damaged': [{ published: { ...published, caPem: 'x' } }, false],
};

for (const [what, [changes, isDeferred]] of Object.entries(CASES)) {
  test(`a new root ${what}`, () => {
    const input = { published, bundle: rotation, upstream: { rootsSince: NOW }, ...changes };
    const { deferredUntil } = decideOn({ ...input, candidate: input.published });
    assert.equal(deferredUntil !== undefined, isDeferred);
  });
}
