import assert from 'node:assert/strict';
import { test } from 'node:test';
import { strayKeysOfLeaf, strayKeysOfRoots } from '../../../src/identity/stray-keys.ts';
import { newLeaf, newRoot } from './support.ts';

const root = await newRoot();
const leaf = await newLeaf(root);

test('I5: a private key among certificates is reported with its place', () => {
  const named = (id: string, certificatePem: string, ...intermediatePems: string[]) => ({
    id,
    active: true,
    certificatePem,
    intermediatePems,
  });
  const roots = [
    named('a', leaf.keyPem + root.certPem),
    named('b', root.certPem, root.certPem, root.certPem + leaf.keyPem),
    named('c', root.certPem, root.certPem),
  ];

  assert.deepEqual(strayKeysOfRoots({ trustDomain: 'x', activeRootId: 'a', roots }), [
    'RootCert of root a',
    'IntermediateCerts of root b',
  ]);
  assert.deepEqual(strayKeysOfLeaf({ certificatePem: leaf.certPem + leaf.keyPem }), ['CertPEM of the leaf']);
  assert.deepEqual(strayKeysOfLeaf({ certificatePem: leaf.certPem + root.certPem }), []);
});

for (const label of ['PRIVATE KEY', 'EC PRIVATE KEY', 'RSA PRIVATE KEY', 'ENCRYPTED PRIVATE KEY']) {
  test(`I5: a ${label} is found`, () => {
    assert.equal(strayKeysOfLeaf({ certificatePem: `x\n-----BEGIN ${label}-----\nMHc` }).length, 1);
  });
}
