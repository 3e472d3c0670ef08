import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verifyServed } from '../../../src/identity/identity.ts';
import { buildTrustBundle } from '../../../src/identity/trust-bundle.ts';
import {
  bundleOf,
  DAY,
  listing,
  listRoot,
  material,
  NOW,
  newLeaf,
  newRoot,
  pemsOf,
  SERVICE,
} from './support.ts';

test('a published chain that reaches the active root is valid, though a cross-signed certificate would lengthen it', async () => {
  const [active, previous] = [await newRoot({ name: 'active' }), await newRoot({ name: 'previous' })];
  const intermediates = [previous.crossSign(active)];
  const bundle = buildTrustBundle(listing(listRoot(active, { intermediates }), listRoot(previous)), NOW);

  const { chain } = verifyServed(material(await newLeaf(active)), SERVICE, bundle, NOW);

  assert.deepEqual(chain.intermediates, []);
});

test('a published chain with an expired certificate of its issuer beside the valid one is valid', async () => {
  const root = await newRoot();
  const issuer = await root.issueIntermediate();
  const expired = root.crossSign(issuer, {
    notBefore: new Date(NOW - 2 * DAY),
    notAfter: new Date(NOW - DAY),
  });
  const { certPem, keyPem } = await newLeaf(issuer);
  const served = { certificatePem: certPem + expired.certPem + issuer.certPem, privateKeyPem: keyPem };

  const { chain } = verifyServed(served, SERVICE, bundleOf(root), NOW);

  assert.deepEqual(
    chain.intermediates.map(({ pem }) => pem),
    pemsOf(issuer),
  );
});
