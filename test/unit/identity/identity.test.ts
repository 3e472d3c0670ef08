import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { verifyIdentity, verifyServed } from '../../../src/identity/identity.ts';
import type { KeyFormat, KeyType } from '../../fixtures/certificates/factory.ts';
import {
  bundleOf,
  bundleWith,
  LIFETIME,
  material,
  NOW,
  newLeaf,
  newRoot,
  pemsOf,
  refusal,
  SERVICE,
  TRUST_DOMAIN,
} from './support.ts';

const root = await newRoot();
const bundle = bundleOf(root);
const intermediate = await root.issueIntermediate();
const leaf = await newLeaf(intermediate);

test('a leaf of the service with its key and chain is an identity', () => {
  const identity = verifyIdentity(material(leaf), SERVICE, bundle, NOW);

  assert.equal(identity.spiffeId.uri, leaf.uri);
  assert.equal(identity.tlsCrt, pemsOf(leaf, intermediate).join(''));
  assert.equal(identity.tlsKey, leaf.keyPem);
});

test('the root is never in tls.crt, even where it came with the leaf', () => {
  const certificatePem = leaf.chainPem + root.certPem;

  const identity = verifyIdentity({ ...material(leaf), certificatePem }, SERVICE, bundle, NOW);

  assert.equal(identity.tlsCrt, pemsOf(leaf, intermediate).join(''));
});

test('the leaf is found by its key, wherever it stands', () => {
  const certificatePem = intermediate.certPem + leaf.certPem;

  const identity = verifyIdentity({ ...material(leaf), certificatePem }, SERVICE, bundle, NOW);

  assert.equal(identity.tlsCrt, pemsOf(leaf, intermediate).join(''));
});

test('of two leaves of one key the one that lives longer is taken', async () => {
  const renewed = await newLeaf(root, { keys: leaf.keys, lasts: 2 * LIFETIME });
  const certificatePem = leaf.chainPem + renewed.certPem;

  const identity = verifyIdentity({ ...material(leaf), certificatePem }, SERVICE, bundle, NOW);

  assert.equal(identity.tlsCrt, pemsOf(renewed).join(''));
});

const KINDS: readonly [KeyType, KeyType, KeyFormat][] = [
  ['ec-p256', 'ec-p256', 'sec1'],
  ['ec-p256', 'ec-p384', 'pkcs8'],
  ['ec-p384', 'ec-p256', 'sec1'],
  ['ec-p256', 'rsa-2048', 'pkcs1'],
  ['rsa-2048', 'rsa-2048', 'pkcs8'],
  ['rsa-2048', 'ec-p256', 'sec1'],
  ['rsa-2048', 'ec-p256', 'pkcs8'],
];

for (const [rootType, leafType, keyFormat] of KINDS) {
  test(`a ${leafType} leaf with a ${keyFormat} key under a ${rootType} root is published`, async () => {
    const authority = await newRoot({ keyType: rootType });
    const issued = await newLeaf(authority, { keyType: leafType, keyFormat });

    const identity = verifyIdentity(material(issued), SERVICE, bundleOf(authority), NOW);

    const key = createPrivateKey(identity.tlsKey);
    assert.ok(new X509Certificate(identity.tlsCrt).checkPrivateKey(key));
  });
}

for (const keyType of ['ec-p256', 'rsa-2048'] as const) {
  test(`an ${keyType} key of another certificate is refused`, async () => {
    const other = await newLeaf(root, { keyType });
    const mixed = { certificatePem: leaf.chainPem, privateKeyPem: other.keyPem };

    assert.throws(() => verifyIdentity(mixed, SERVICE, bundle, NOW), refusal('KEY_MISMATCH'));
  });
}

test('the leaf of another service is refused', async () => {
  const other = material(await newLeaf(root, { service: 'web' }));

  assert.throws(() => verifyIdentity(other, SERVICE, bundle, NOW), refusal('WRONG_SERVICE'));
});

test('the leaf of another trust domain is refused', async () => {
  const other = material(await newLeaf(root, { trustDomain: 'other.consul' }));

  assert.throws(() => verifyIdentity(other, SERVICE, bundle, NOW), refusal('WRONG_TRUST_DOMAIN'));
});

test('a trust domain in capitals is the same trust domain', async () => {
  const capitals = material(await newLeaf(root, { trustDomain: TRUST_DOMAIN.toUpperCase() }));

  assert.doesNotThrow(() => verifyIdentity(capitals, SERVICE, bundle, NOW));
});

test('an expired leaf is refused', () => {
  assert.throws(
    () => verifyIdentity(material(leaf), SERVICE, bundle, NOW + LIFETIME + 1),
    refusal('EXPIRED'),
  );
});

test('a leaf that is not valid yet is refused', () => {
  assert.throws(() => verifyIdentity(material(leaf), SERVICE, bundle, NOW - 1), refusal('NOT_YET_VALID'));
});

test('the certificate of a CA is no leaf', () => {
  const authority = { certificatePem: intermediate.certPem, privateKeyPem: intermediate.keyPem };

  assert.throws(() => verifyIdentity(authority, SERVICE, bundle, NOW), refusal('LEAF_IS_CA'));
});

test('a leaf without the SPIFFE ID of a service is refused', async () => {
  const agent = material(await newLeaf(root, { uris: [`spiffe://${TRUST_DOMAIN}/agent/x`] }));

  assert.throws(() => verifyIdentity(agent, SERVICE, bundle, NOW), refusal('NO_SPIFFE_ID'));
});

test('a leaf of a root that is not listed is refused', async () => {
  const stranger = material(await newLeaf(await newRoot()));

  assert.throws(() => verifyIdentity(stranger, SERVICE, bundle, NOW), refusal('NO_CHAIN'));
});

test('what Consul sends may lack an intermediate that Consul lists', () => {
  const alone = { certificatePem: leaf.certPem, privateKeyPem: leaf.keyPem };

  const identity = verifyIdentity(alone, SERVICE, bundleWith(root, intermediate), NOW);

  assert.equal(identity.tlsCrt, pemsOf(leaf, intermediate).join(''));
});

test('what a gateway serves may not', () => {
  const alone = { certificatePem: leaf.certPem, privateKeyPem: leaf.keyPem };

  assert.throws(() => verifyServed(alone, SERVICE, bundleWith(root, intermediate), NOW), refusal('NO_CHAIN'));
});

test('what a gateway serves must begin with the leaf', () => {
  const reversed = { certificatePem: intermediate.certPem + leaf.certPem, privateKeyPem: leaf.keyPem };

  assert.throws(() => verifyServed(reversed, SERVICE, bundle, NOW), refusal('LEAF_NOT_FIRST'));
});

test('what a gateway serves must be in a form that its TLS library reads', () => {
  const { certPem, keyPem } = leaf;
  const glued = { certificatePem: `${certPem}no PEM${intermediate.certPem}`, privateKeyPem: keyPem };
  const indented = { certificatePem: certPem + intermediate.certPem, privateKeyPem: ` ${keyPem}` };

  for (const served of [glued, indented]) {
    assert.throws(() => verifyServed(served, SERVICE, bundle, NOW), refusal('PEM_UNREADABLE'));
  }
});

test('what was made an identity can be served as it is', () => {
  const { tlsCrt, tlsKey } = verifyIdentity(material(leaf), SERVICE, bundle, NOW);

  const served = { certificatePem: tlsCrt, privateKeyPem: tlsKey };

  assert.equal(verifyServed(served, SERVICE, bundle, NOW).tlsCrt, tlsCrt);
});
