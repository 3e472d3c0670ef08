import { bundleOf, HOUR, material, NOW, newLeaf, newRoot, publishedAs } from '../support.ts';
import { testDecisions } from './table.ts';

const root = await newRoot();
const previous = await newRoot();
const bundle = bundleOf(root);
const old = await newLeaf(root, { from: NOW - HOUR });
const published = publishedAs(old, bundle);
const foreignLeaf = old.serial.toLowerCase();
const candidate = material(await newLeaf(root));
const put = { published, candidate, bundle, foreignLeaf };

testDecisions({
  "I4: a leaf that another writer put there is replaced by Consul's that lives longer": [
    put,
    {
      writes: 'leaf',
      cause: new RegExp(`^foreign-leaf: .* ${foreignLeaf}\\b`),
      tlsCrt: candidate.certificatePem,
    },
  ],
  'I4: without such a writer the older leaf stays': [{ published, candidate, bundle }, {}],
  "I4: the leaf stays where Consul's is the same": [{ ...put, candidate: material(old) }, {}],
  "I4: the leaf stays where Consul's ends earlier": [
    { ...put, candidate: material(await newLeaf(root, { from: NOW - 2 * HOUR })) },
    {},
  ],
  "I4: the leaf stays where Consul's does not work": [
    { ...put, candidate: material(await newLeaf(await newRoot())) },
    { rejected: 'NO_CHAIN' },
  ],
  'I4: the leaf stays where Consul has none yet': [{ ...put, candidate: undefined }, {}],
  'I4: one of the active root is not replaced by one of the previous root, however long that lives': [
    {
      ...put,
      published: publishedAs(old, bundleOf(root, previous)),
      candidate: material(await newLeaf(previous, { lasts: 500 * HOUR })),
      bundle: bundleOf(root, previous),
    },
    {},
  ],
  'I4: before Consul has confirmed its roots nothing is replaced': [
    { ...put, bundle: bundleOf(root, previous), confirmAfter: NOW + 1_000 },
    {},
  ],
});
