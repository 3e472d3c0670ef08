import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identityErrorOr } from '../../../src/errors.ts';
import { verifyIdentity, verifyServed } from '../../../src/identity/identity.ts';
import { buildTrustBundle } from '../../../src/identity/trust-bundle.ts';
import type { IssuedLeaf } from '../../fixtures/certificates/factory.ts';
import { refusalOf } from './openssl.ts';
import {
  bundleOf,
  bundleWith,
  listing,
  listRoot,
  material,
  NOW,
  newLeaf,
  newRoot,
  pemsOf,
  refusal,
  SERVICE,
} from './support.ts';

const root = await newRoot({ name: 'root' });
const rsaRoot = await newRoot({ name: 'RSA root', keyType: 'rsa-2048' });
const bundle = bundleOf(root, rsaRoot);

/** OpenSSL's level 2 is 112 bits, which an EC key of 224 has. */
const STRICTER = 'an EC key of 224 bits';
const REFUSED: Readonly<Record<string, readonly [RegExp, IssuedLeaf]>> = {
  'an RSA key of 1024 bits': [
    /the leaf has an RSA key of 1024 bits, less than 2048/,
    await newLeaf(root, { keyType: 'rsa-1024' }),
  ],
  [STRICTER]: [
    /the leaf has an EC key of the curve secp224r1, less than 256/,
    await newLeaf(root, { keyType: 'ec-p224' }),
  ],
  'a SHA-1 signature of an EC key': [
    /the leaf is signed with SHA-1, not with SHA-2/,
    await newLeaf(root, { hash: 'sha1' }),
  ],
  'a SHA-1 signature of an RSA key': [
    /the leaf is signed with SHA-1/,
    await newLeaf(rsaRoot, { hash: 'sha1' }),
  ],
  'an MD5 signature': [/the leaf is signed with MD5/, await newLeaf(rsaRoot, { hash: 'md5' })],
  'an intermediate with an RSA key of 1024 bits': [
    /the CA CN=small has an RSA key of 1024 bits/,
    await newLeaf(await root.issueIntermediate({ name: 'small', keyType: 'rsa-1024' })),
  ],
  'an intermediate with a SHA-1 signature': [
    /the CA CN=old is signed with SHA-1/,
    await newLeaf(await root.issueIntermediate({ name: 'old', hash: 'sha1' })),
  ],
};

for (const [what, [says, leaf]] of Object.entries(REFUSED)) {
  test(`I2: a leaf with ${what} is refused with cause and remedy, ${what === STRICTER ? 'though openssl accepts it' : 'as by openssl'}`, async () => {
    const refused = await refusalOf(leaf.chainPem, bundle.pem, NOW);
    const error = identityErrorOr(() => verifyIdentity(material(leaf), SERVICE, bundle, NOW));

    if (what === STRICTER) assert.equal(refused, undefined);
    else assert.match(refused ?? '', /too weak/);
    assert.ok(error instanceof Error);
    assert.equal(error.code, 'WEAK_CERTIFICATE');
    assert.match(error.message, says);
    assert.match(error.remedy ?? '', /2048 bits or more.*SHA-256/);
    assert.throws(() => verifyServed(material(leaf), SERVICE, bundle, NOW), refusal('WEAK_CERTIFICATE'));
  });
}

test('I2: the signature of a root does not matter, as for openssl', async () => {
  const sha1Root = await newRoot({ keyType: 'rsa-2048', hash: 'sha1' });
  const leaf = await newLeaf(sha1Root);
  const listed = bundleOf(sha1Root);
  assert.equal(await refusalOf(leaf.chainPem, listed.pem, NOW), undefined);
  assert.ok(verifyIdentity(material(leaf), SERVICE, listed, NOW));
});

test('I2: a weak cross-signed certificate is skipped if another path is strong', async () => {
  const next = await newRoot();
  const leaf = await newLeaf(next);
  const weak = root.crossSign(next, { hash: 'sha1' });
  const identity = verifyIdentity(material(leaf), SERVICE, bundleWith(next, weak), NOW);
  assert.equal(identity.tlsCrt, pemsOf(leaf).join(''));
});

test('I2: a root with a weak key is left out, with the reason, and a leaf of it has no chain', async () => {
  const weakRoot = await newRoot({ keyType: 'rsa-1024' });
  const leaf = await newLeaf(weakRoot);
  const listed = bundleOf(weakRoot, root);

  assert.match((await refusalOf(leaf.chainPem, weakRoot.certPem, NOW)) ?? '', /CA certificate key too weak/);
  assert.equal(listed.pem, pemsOf(root).join(''));
  assert.match(listed.dropped.join(), /has an RSA key of 1024 bits, less than 2048/);
  const error = identityErrorOr(() => verifyIdentity(material(leaf), SERVICE, listed, NOW));
  assert.match(String(error), /left out: root \w+ has an RSA key of 1024 bits/);
  const alone = identityErrorOr(() => buildTrustBundle(listing(listRoot(weakRoot)), NOW));
  assert.match(String(alone), /no root that Consul lists can be used: .*RSA key of 1024 bits/);
});
