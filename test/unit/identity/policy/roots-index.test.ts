import assert from 'node:assert/strict';
import { test } from 'node:test';
import { comparableIndex } from '../../../../src/identity/policy/roots-index.ts';
import { bundleOf, material, newLeaf, newRoot, publishedAs, TRUST_DOMAIN } from '../support.ts';

const root = await newRoot();
const leaf = await newLeaf(root);
const other = await newLeaf(root, { datacenter: 'dc2' });
const published = { ...publishedAs(leaf, bundleOf(root)), upstreamCaPem: undefined };

for (const [what, indexes, compared] of [
  ['one Secret', { rootsIndex: 7n }, { lowest: 7n, highest: 7n }],
  ['one Secret without an index', { rootsIndex: undefined }, undefined],
  [
    'two Secrets of one write',
    { rootsIndex: 7n, upstreamCaPem: 'A', upstreamRootsIndex: 7n },
    { lowest: 7n, highest: 7n },
  ],
  [
    'two Secrets, the first newer',
    { rootsIndex: 8n, upstreamCaPem: 'A', upstreamRootsIndex: 7n },
    { lowest: 7n, highest: 8n },
  ],
  [
    'two Secrets, the second newer',
    { rootsIndex: 7n, upstreamCaPem: 'A', upstreamRootsIndex: 8n },
    { lowest: 7n, highest: 8n },
  ],
  ['the first alone', { rootsIndex: 8n, upstreamCaPem: 'A' }, { lowest: undefined, highest: 8n }],
  ['the second alone', { upstreamCaPem: 'A', upstreamRootsIndex: 8n }, { lowest: undefined, highest: 8n }],
  ['two Secrets without an index', { upstreamCaPem: 'A' }, undefined],
] as const) {
  test(`F1: the published index, with ${what}`, () => {
    assert.deepEqual(comparableIndex({ ...published, ...indexes }, TRUST_DOMAIN, material(leaf)), compared);
  });
}

test('F4: an index of another trust domain or datacenter cannot be compared', () => {
  const indexed = { ...published, rootsIndex: 7n };
  assert.equal(comparableIndex(indexed, 'of-another.consul', undefined), undefined);
  assert.equal(comparableIndex(indexed, TRUST_DOMAIN, material(other)), undefined);
  assert.notEqual(comparableIndex(indexed, TRUST_DOMAIN.toUpperCase(), undefined), undefined);
});
