import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import type { IdentityFault } from '../../../src/errors.ts';
import { type CertificateAndKey, verifyIdentity, verifyServed } from '../../../src/identity/identity.ts';
import type { TrustBundle } from '../../../src/identity/trust-bundle.ts';
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
const renewed = await newLeaf(root, { keys: leaf.keys, lasts: 2 * LIFETIME });
const clean = pemsOf(leaf, intermediate).join('');

const withKey = (...certificates: readonly { certPem: string }[]): CertificateAndKey => ({
  certificatePem: certificates.map(({ certPem }) => certPem).join(''),
  privateKeyPem: leaf.keyPem,
});

const IDENTITIES: readonly (readonly [string, CertificateAndKey, string, TrustBundle?])[] = [
  ['the leaf and its chain', withKey(leaf, intermediate), clean],
  ['these without the root that came with them', withKey(leaf, intermediate, root), clean],
  ['the leaf first, whatever its place was', withKey(intermediate, leaf), clean],
  [
    'of two leaves with one key the one that lives longer',
    withKey(leaf, intermediate, renewed),
    pemsOf(renewed).join(''),
  ],
  ['the intermediate that Consul lists', withKey(leaf), clean, bundleWith(root, intermediate)],
];

for (const [what, given, tlsCrt, by = bundle] of IDENTITIES) {
  test(`tls.crt of an identity holds ${what}, and can be served as it is`, () => {
    const identity = verifyIdentity(given, SERVICE, by, NOW);
    assert.deepEqual([identity.tlsCrt, identity.tlsKey], [tlsCrt, leaf.keyPem]);
    assert.equal(identity.spiffeId.uri, leaf.uri);
    const served = { certificatePem: identity.tlsCrt, privateKeyPem: identity.tlsKey };
    assert.equal(verifyServed(served, SERVICE, bundle, NOW).tlsCrt, tlsCrt);
  });
}

const KINDS: readonly [KeyType, KeyType, KeyFormat][] = [
  ['ec-p256', 'ec-p256', 'sec1'],
  ['ec-p256', 'ec-p384', 'pkcs8'],
  ['ec-p384', 'ec-p256', 'pkcs8'],
  ['ec-p256', 'rsa-2048', 'pkcs1'],
  ['rsa-2048', 'rsa-2048', 'pkcs8'],
  ['rsa-2048', 'ec-p384', 'sec1'],
];

for (const [rootType, leafType, keyFormat] of KINDS) {
  test(`a ${leafType} leaf with a ${keyFormat} key under a ${rootType} root is published`, async () => {
    const authority = await newRoot({ keyType: rootType });
    const issued = await newLeaf(authority, { keyType: leafType, keyFormat });
    const identity = verifyIdentity(material(issued), SERVICE, bundleOf(authority), NOW);
    assert.ok(new X509Certificate(identity.tlsCrt).checkPrivateKey(createPrivateKey(identity.tlsKey)));
    assert.equal(identity.tlsKey, issued.keyPem);
  });
}

const issue = async (options: Parameters<typeof newLeaf>[1]) => material(await newLeaf(root, options));
const keyOf = async (keyType: KeyType) => (await newLeaf(root, { keyType })).keyPem;

const REFUSED: Readonly<Record<string, readonly [IdentityFault, CertificateAndKey, number?]>> = {
  'an EC key of another certificate': [
    'KEY_MISMATCH',
    { ...material(leaf), privateKeyPem: await keyOf('ec-p256') },
  ],
  'an RSA key of another certificate': [
    'KEY_MISMATCH',
    { ...material(leaf), privateKeyPem: await keyOf('rsa-2048') },
  ],
  'the leaf of another service': ['WRONG_SERVICE', await issue({ service: 'web' })],
  'the leaf of another trust domain': ['WRONG_TRUST_DOMAIN', await issue({ trustDomain: 'other.consul' })],
  'a leaf at its notAfter': ['EXPIRED', material(leaf), NOW + LIFETIME],
  'a leaf that is not valid yet': ['NOT_YET_VALID', material(leaf), NOW - 1],
  'the certificate of a CA': [
    'LEAF_IS_CA',
    { certificatePem: intermediate.certPem, privateKeyPem: intermediate.keyPem },
  ],
  'a leaf without the SPIFFE ID of a service': [
    'NO_SPIFFE_ID',
    await issue({ uris: [`spiffe://${TRUST_DOMAIN}/agent/x`] }),
  ],
};

for (const [what, [code, given, at = NOW]] of Object.entries(REFUSED)) {
  test(`${what} is refused: ${code}`, () => {
    assert.throws(() => verifyIdentity(given, SERVICE, bundle, at), refusal(code));
  });
}

for (const [what, code, served] of [
  ['without an intermediate, though Consul lists it', 'NO_CHAIN', withKey(leaf)],
  ['that does not begin with the leaf', 'LEAF_NOT_FIRST', withKey(intermediate, leaf)],
  [
    'with certificates in a form that TLS libraries cannot read',
    'PEM_UNREADABLE',
    withKey(leaf, { certPem: 'no PEM' }, intermediate),
  ],
  [
    'with a key in such a form',
    'PEM_UNREADABLE',
    { certificatePem: clean, privateKeyPem: ` ${leaf.keyPem}` },
  ],
] as const) {
  test(`a published identity ${what} is refused: ${code}`, () => {
    assert.throws(() => verifyServed(served, SERVICE, bundleWith(root, intermediate), NOW), refusal(code));
  });
}
