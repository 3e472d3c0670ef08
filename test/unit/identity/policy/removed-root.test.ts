import { after, oldLeaf } from '../rotation.ts';
import { bundleOf, material, newRoot, publishedAs } from '../support.ts';
import { testDecisions } from './table.ts';

const bundle = bundleOf(await newRoot());
const usual = { published: publishedAs(oldLeaf, after), bundle };
const gone = { writes: 'bundle', violation: 'invalid', tlsCrt: oldLeaf.certPem, caCrt: bundle.pem } as const;

testDecisions(usual, {
  'a root that Consul removed is no longer trusted, though Consul has no leaf': [{}, gone],
  'a root that Consul removed is no longer trusted, though Consul still has a leaf of it': [
    { candidate: material(oldLeaf) },
    { ...gone, rejected: 'NO_CHAIN' },
  ],
});
