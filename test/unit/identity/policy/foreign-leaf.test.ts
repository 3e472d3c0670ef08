import { bundleOf, HOUR, material, NOW, newLeaf, newRoot, publishedAs } from '../support.ts';
import { testDecisions } from './table.ts';

const root = await newRoot();
const previous = await newRoot();
const bundle = bundleOf(root);
const old = await newLeaf(root, { from: NOW - HOUR });
const published = publishedAs(old, bundle);
const foreignLeaf = old.serial.toLowerCase();
const candidate = material(await newLeaf(root));
const restored = { published, candidate, bundle, foreignLeaf };
const both = bundleOf(root, previous);

testDecisions(restored, {
  'I4: a leaf that another writer restored is replaced by that of Consul if that lives longer': [
    {},
    {
      writes: 'leaf',
      cause: new RegExp(`^foreign-leaf: .* ${foreignLeaf}\\b`),
      tlsCrt: candidate.certificatePem,
    },
  ],
  'I4: without such a writer the older leaf stays': [{ foreignLeaf: undefined }, {}],
  'I4: it stays if Consul has the same': [{ candidate: material(old) }, {}],
  'I4: it stays if that of Consul ends earlier': [
    { candidate: material(await newLeaf(root, { from: NOW - 2 * HOUR })) },
    {},
  ],
  'I4: it stays if that of Consul is invalid': [
    { candidate: material(await newLeaf(await newRoot())) },
    { rejected: 'NO_CHAIN' },
  ],
  'I4: it stays while Consul has none': [{ candidate: undefined }, {}],
  'I4: one of the active root is not replaced by one of the previous root, however long that lives': [
    {
      published: publishedAs(old, both),
      candidate: material(await newLeaf(previous, { lasts: 500 * HOUR })),
      bundle: both,
    },
    {},
  ],
  'I4: before Consul has confirmed its roots nothing is replaced': [
    { bundle: both, confirmAfter: NOW + 1_000 },
    {},
  ],
});
