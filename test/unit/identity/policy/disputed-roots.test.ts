import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSameBundle } from '../../../../src/identity/policy/unconfirmed.ts';
import { buildTrustBundle } from '../../../../src/identity/trust-bundle.ts';
import { listing, listRoot, NOW, newRoot, pemsOf, SECOND } from '../support.ts';

const [lasting, added] = await Promise.all([newRoot(), newRoot()]);
const ending = await newRoot({ notAfter: new Date(NOW + 60 * SECOND) });

test('F5: beside a root that is about to expire another change of the roots counts', () => {
  const listed = listing(listRoot(lasting), listRoot(ending), listRoot(added));
  const bundle = buildTrustBundle(listed, NOW);

  const isSame = [bundle.pem, pemsOf(lasting, ending).join(''), pemsOf(lasting).join('')].map((caPem) =>
    isSameBundle(caPem, bundle),
  );

  assert.deepEqual(isSame, [true, false, false]);
});
