import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after, oldLeaf } from '../rotation.ts';
import { bundleOf, decideOn, material, newRoot, publishedAs } from '../support.ts';

const bundle = bundleOf(await newRoot());
const published = publishedAs(oldLeaf, after);

for (const [what, candidate] of [
  ['has no leaf', undefined],
  ['still has a leaf of it', material(oldLeaf)],
] as const) {
  test(`a root that Consul removed is no longer trusted, though Consul ${what}`, () => {
    const decision = decideOn({ published, candidate, bundle });

    assert.deepEqual([decision.writesLeaf, decision.writesBundle], [false, true]);
    assert.equal(decision.content?.caCrt, bundle.pem);
    assert.equal(decision.content?.tlsCrt, oldLeaf.certPem);
  });
}
