import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildChain } from '../../../src/identity/chain.ts';
import type { Certificate } from '../../../src/identity/x509/certificate.ts';
import { readPrivateKey } from '../../../src/identity/x509/private-key.ts';
import { generateKeyPair, signCertificate, signWith } from '../../fixtures/certificates/factory.ts';
import {
  bundleOf,
  bundleWith,
  certificateOf,
  DAY,
  HOUR,
  NOW,
  newLeaf,
  newRoot,
  pemsOf,
  refusal,
  SERVICE,
} from './support.ts';

const root = await newRoot();
const upper = await root.issueIntermediate({ name: 'upper' });
const lower = await upper.issueIntermediate({ name: 'lower' });
const leaf = certificateOf(await newLeaf(lower));

function pems(certificates: readonly Certificate[]): string[] {
  return certificates.map(({ pem }) => pem);
}

test('a leaf that its root signed has no intermediates', async () => {
  const direct = certificateOf(await newLeaf(root));

  const chain = buildChain(direct, [], bundleOf(root), NOW);

  assert.deepEqual(chain.intermediates, []);
  assert.equal(chain.root.pem, certificateOf(root).pem);
  assert.equal(chain.activeRoot?.pem, certificateOf(root).pem);
});

test('a chain in the wrong order is put in order (consul #7018)', () => {
  const given = [upper, lower].map(certificateOf);

  const chain = buildChain(leaf, given, bundleOf(root), NOW);

  assert.deepEqual(pems(chain.intermediates), pemsOf(lower, upper));
});

test('duplicates, strays, the leaf itself and the root are left out (consul #15704)', async () => {
  const stray = await (await newRoot()).issueIntermediate();
  const given = [root, upper, lower, upper, stray, lower].map(certificateOf);

  const chain = buildChain(leaf, [leaf, ...given], bundleOf(root), NOW);

  assert.deepEqual(pems(chain.intermediates), pemsOf(lower, upper));
});

test('an expired cross-signed certificate beside a valid path is left out (consul #8681)', async () => {
  const previous = await newRoot();
  const expired = previous.crossSign(root, { notAfter: new Date(NOW - 1_000) });
  const given = [lower, upper, expired].map(certificateOf);

  const chain = buildChain(leaf, given, bundleOf(root, previous), NOW);

  assert.deepEqual(pems(chain.intermediates), pemsOf(lower, upper));
});

test('a missing intermediate is taken from the IntermediateCerts (consul #11448)', () => {
  const chain = buildChain(leaf, [certificateOf(lower)], bundleWith(root, upper), NOW);

  assert.deepEqual(pems(chain.intermediates), pemsOf(lower, upper));
});

test('an intermediate that is missing everywhere means no chain', () => {
  assert.throws(() => buildChain(leaf, [certificateOf(lower)], bundleOf(root), NOW), refusal('NO_CHAIN'));
});

test('a leaf of a root that is not listed means no chain (consul #9862)', async () => {
  const other = await newRoot();

  assert.throws(
    () => buildChain(leaf, [lower, upper].map(certificateOf), bundleOf(other), NOW),
    refusal('NO_CHAIN'),
  );
});

test('a root of the same name with another key means no chain', async () => {
  const real = await newRoot({ name: 'Consul CA', keyIdentifiers: false });
  const namesake = await newRoot({ name: 'Consul CA', keyIdentifiers: false });
  const signed = certificateOf(await newLeaf(real, { keyIdentifiers: false }));

  assert.throws(() => buildChain(signed, [], bundleOf(namesake), NOW), refusal('NO_CHAIN'));
});

test('a chain whose names are all empty is built by key identifier and signature (consul #16202)', async () => {
  const nameless = await newRoot({ emptyDn: true });
  const middle = await nameless.issueIntermediate({ emptyDn: true });
  const stray = await nameless.issueIntermediate({ emptyDn: true });
  const end = certificateOf(await newLeaf(middle, { emptyDn: true }));
  const other = await newRoot({ emptyDn: true });

  const chain = buildChain(end, [stray, middle].map(certificateOf), bundleOf(other, nameless), NOW);

  assert.deepEqual(pems(chain.intermediates), pemsOf(middle));
  assert.equal(chain.root.pem, certificateOf(nameless).pem);
});

test('a chain without key identifiers is built by names and signature', async () => {
  const bare = { keyIdentifiers: false };
  const bareRoot = await newRoot({ ...bare, name: 'bare' });
  const middle = await bareRoot.issueIntermediate({ ...bare, name: 'middle' });
  const stray = await bareRoot.issueIntermediate({ ...bare, name: 'middle' });
  const end = certificateOf(await newLeaf(middle, bare));

  const chain = buildChain(
    end,
    [stray, middle].map(certificateOf),
    bundleOf(await newRoot({ ...bare, name: 'bare' }), bareRoot),
    NOW,
  );

  assert.deepEqual(pems(chain.intermediates), pemsOf(middle));
});

test('a leaf with neither names nor key identifiers has no chain: OpenSSL takes it for self-signed', async () => {
  const bare = { emptyDn: true, keyIdentifiers: false };
  const nameless = await newRoot(bare);
  const end = certificateOf(await newLeaf(nameless, bare));

  assert.throws(() => buildChain(end, [], bundleOf(nameless), NOW), refusal('NO_CHAIN'));
});

test('a root that is not valid yet is no anchor', async () => {
  const early = await newRoot({ notBefore: new Date(NOW + 1_000) });
  const end = certificateOf(await newLeaf(early));

  assert.throws(() => buildChain(end, [], bundleOf(early), NOW), refusal('NO_CHAIN'));
});

test('an intermediate that expired means no chain', async () => {
  const expired = await root.issueIntermediate({ notAfter: new Date(NOW - 1_000) });
  const end = certificateOf(await newLeaf(expired));

  assert.throws(() => buildChain(end, [certificateOf(expired)], bundleOf(root), NOW), refusal('NO_CHAIN'));
});

test('a certificate that is no CA certifies nobody, even where it does not say what its key is for', async () => {
  const validity = { notBefore: new Date(NOW), notAfter: new Date(NOW + DAY) };
  const keys = await generateKeyPair('ec-p256');
  const names = { subject: 'no authority', issuer: root.name };
  const noAuthority = signWith(
    { ...validity, ...names, publicKey: keys.publicKey, issuerKeys: root.keys },
    [],
  );
  const forged = signCertificate({
    ...validity,
    subject: SERVICE,
    issuer: 'no authority',
    issuerKeys: keys,
    publicKey: (await generateKeyPair('ec-p256')).publicKey,
    ca: false,
    names: {},
  });
  const given = [certificateOf(noAuthority)];

  assert.throws(() => buildChain(certificateOf(forged), given, bundleOf(root), NOW), refusal('NO_CHAIN'));
});

test('a path longer than a CA allows is none (RFC 5280 section 4.2.1.9)', async () => {
  const strict = await newRoot({ pathLength: 0 });
  const middle = await strict.issueIntermediate();
  const end = certificateOf(await newLeaf(middle));

  assert.throws(() => buildChain(end, [certificateOf(middle)], bundleOf(strict), NOW), refusal('NO_CHAIN'));
});

test('a path as long as every CA allows is one', async () => {
  const strict = await newRoot({ pathLength: 1 });
  const middle = await strict.issueIntermediate({ pathLength: 0 });
  const end = certificateOf(await newLeaf(middle));

  const chain = buildChain(end, [certificateOf(middle)], bundleOf(strict), NOW);

  assert.deepEqual(pems(chain.intermediates), pemsOf(middle));
});

test('a refusal says how many roots were tried', () => {
  assert.throws(() => buildChain(leaf, [], bundleOf(root), NOW), { message: /any of the 1 valid roots/ });
});

test('a chain with keys of two types does not make the next private key unreadable (Node 20)', async () => {
  const rsa = await newRoot({ keyType: 'rsa-2048' });
  const middle = await rsa.issueIntermediate({ keyType: 'ec-p256' });
  const below = await newLeaf(middle);
  const [end, given, bundle] = [certificateOf(below), [certificateOf(middle)], bundleOf(rsa)];

  // The second time no signature is verified, which would hide it.
  for (let time = 0; time < 2; time += 1) buildChain(end, given, bundle, NOW);

  assert.ok(readPrivateKey(below.keyPem));
});

const brief = { notAfter: new Date(NOW + HOUR) };

test('I1: of two paths to the active root the one that lives longest is taken, though it is shorter', async () => {
  const signed = await newRoot({ name: 'signed by two' });
  const between = await root.issueIntermediate({ name: 'between', ...brief });
  const [long, short] = [between.crossSign(signed), root.crossSign(signed)];
  const end = certificateOf(await newLeaf(signed));

  for (const given of [
    [long, certificateOf(between), short],
    [short, certificateOf(between), long],
  ]) {
    const certificates = given.map((one) => ('certPem' in one ? certificateOf(one) : one));
    const chain = buildChain(end, certificates, bundleOf(root), NOW);

    assert.deepEqual(pems(chain.intermediates), pemsOf(short));
    assert.equal(chain.notAfter, end.notAfter);
  }
});

test('I1: a path to the active root is taken before one to another that lives longer', async () => {
  const signed = await newRoot({ name: 'signed by two' });
  const active = await newRoot();
  const [toActive, toOther] = [active.crossSign(signed, brief), root.crossSign(signed)];
  const end = certificateOf(await newLeaf(signed));

  const chain = buildChain(end, [toOther, toActive].map(certificateOf), bundleOf(active, root), NOW);

  assert.deepEqual(pems(chain.intermediates), pemsOf(toActive));
  assert.equal(chain.notAfter, brief.notAfter.getTime());
});

test('I1: of two paths that outlive the leaf the longest is taken: peers that lack the new root need it', async () => {
  const next = await newRoot();
  const cross = root.crossSign(next);
  const end = certificateOf(await newLeaf(next));

  const chain = buildChain(end, [certificateOf(cross)], bundleOf(next, root), NOW);

  assert.deepEqual(pems(chain.intermediates), pemsOf(cross));
});

test('I1: a root that ends first ends the path', async () => {
  const dying = await newRoot(brief);
  const end = certificateOf(await newLeaf(dying));

  assert.equal(buildChain(end, [], bundleOf(dying), NOW).notAfter, brief.notAfter.getTime());
});
