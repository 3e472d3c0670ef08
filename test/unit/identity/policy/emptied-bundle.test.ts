import { before, oldLeaf } from '../rotation.ts';
import { material, NOW, publishedAs, SECOND } from '../support.ts';
import { testDecisions } from './table.ts';

const published = { ...publishedAs(oldLeaf, before), caPem: '', upstreamCaPem: undefined };
const usual = { published, candidate: material(oldLeaf), bundle: before, confirmAfter: NOW + SECOND };

testDecisions(usual, {
  'D4: an emptied ca.crt is restored at once, as a repair': [{}, { writes: 'bundle', cause: /^repair: / }],
});
