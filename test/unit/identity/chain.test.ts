import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildChain } from '../../../src/identity/chain.ts';
import type { TrustBundle } from '../../../src/identity/trust-bundle.ts';
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

type Signed = Parameters<typeof certificateOf>[0];

/** The chain of `leaf` with the certificates `given`. */
function chainOf(leaf: Signed, given: readonly Signed[], bundle: TrustBundle) {
  return buildChain(certificateOf(leaf), given.map(certificateOf), bundle, NOW);
}

const root = await newRoot();
const other = await newRoot();
const upper = await root.issueIntermediate({ name: 'upper' });
const lower = await upper.issueIntermediate({ name: 'lower' });
const leaf = await newLeaf(lower);
const direct = await newLeaf(root);
const stray = await other.issueIntermediate();
const expired = { notAfter: new Date(NOW - 1_000) };
const brief = { notAfter: new Date(NOW + HOUR) };

// Names that are all empty, as Consul's (consul #16202), and no key identifiers.
const nameless = await newRoot({ emptyDn: true });
const namelessMiddle = await nameless.issueIntermediate({ emptyDn: true });
const namelessStray = await nameless.issueIntermediate({ emptyDn: true });
const bare = { keyIdentifiers: false, name: 'bare' };
const bareRoot = await newRoot(bare);
const bareNamesake = await newRoot(bare);
const bareMiddle = await bareRoot.issueIntermediate({ ...bare, name: 'middle' });
const bareStray = await bareRoot.issueIntermediate({ ...bare, name: 'middle' });
const roomy = await newRoot({ pathLength: 1 });
const roomyMiddle = await roomy.issueIntermediate({ pathLength: 0 });

// A CA that two others signed: the paths to the active root, to another, and to the same by way of a brief one.
const signed = await newRoot({ name: 'signed by two' });
const leafOfSigned = await newLeaf(signed);
const between = await root.issueIntermediate({ name: 'between', ...brief });
const [long, short] = [between.crossSign(signed), root.crossSign(signed)];
const toOther = other.crossSign(signed, brief);

type Row = readonly [Signed, readonly Signed[], TrustBundle, readonly Signed[]];

const CHAINS: Readonly<Record<string, Row>> = {
  'a leaf that its root signed has no intermediates': [direct, [], bundleOf(root), []],
  'a chain in the wrong order is put in order (consul #7018)': [
    leaf,
    [upper, lower],
    bundleOf(root),
    [lower, upper],
  ],
  'duplicates, strays, the leaf itself and the root are left out (consul #15704)': [
    leaf,
    [leaf, root, upper, lower, upper, stray, lower],
    bundleOf(root),
    [lower, upper],
  ],
  'an expired cross-signed certificate beside a valid path is left out (consul #8681)': [
    leaf,
    [lower, upper, other.crossSign(root, expired)],
    bundleOf(root, other),
    [lower, upper],
  ],
  'a missing intermediate is taken from the IntermediateCerts (consul #11448)': [
    leaf,
    [lower],
    bundleWith(root, upper),
    [lower, upper],
  ],
  'a chain whose names are all empty is built by key identifier and signature (consul #16202)': [
    await newLeaf(namelessMiddle, { emptyDn: true }),
    [namelessStray, namelessMiddle],
    bundleOf(await newRoot({ emptyDn: true }), nameless),
    [namelessMiddle],
  ],
  'a chain without key identifiers is built by names and signature': [
    await newLeaf(bareMiddle, { keyIdentifiers: false }),
    [bareStray, bareMiddle],
    bundleOf(bareNamesake, bareRoot),
    [bareMiddle],
  ],
  'a path may be as long as every CA allows': [
    await newLeaf(roomyMiddle),
    [roomyMiddle],
    bundleOf(roomy),
    [roomyMiddle],
  ],
  'I1: of two paths to the active root the one that lives longest is taken, though it is shorter': [
    leafOfSigned,
    [long, between, short],
    bundleOf(root),
    [short],
  ],
  'I1: their order does not matter': [leafOfSigned, [short, between, long], bundleOf(root), [short]],
  'I1: a path to the active root is taken before one to another that lives longer': [
    leafOfSigned,
    [short, toOther],
    bundleOf(other, root),
    [toOther],
  ],
  'I1: of two paths that outlive the leaf the longest is taken: peers that lack the new root need it': [
    leafOfSigned,
    [short],
    bundleOf(signed, root),
    [short],
  ],
};

for (const [name, [end, given, bundle, intermediates]] of Object.entries(CHAINS)) {
  test(name, () => {
    const chain = chainOf(end, given, bundle);
    const pems = chain.intermediates.map(({ pem }) => pem);
    assert.deepEqual(pems, pemsOf(...intermediates));
  });
}

test('a chain ends at the root that signed it, and expires with its first certificate', async () => {
  const nearEnd = await newRoot(brief);

  for (const [end, given, rootOfIt, { notAfter }] of [
    [direct, [], root, direct],
    [await newLeaf(namelessMiddle, { emptyDn: true }), [namelessMiddle], nameless, direct],
    [await newLeaf(nearEnd), [], nearEnd, brief],
    [leafOfSigned, [toOther], other, brief],
  ] as const) {
    const chain = chainOf(end, given, bundleOf(rootOfIt));

    assert.equal(chain.root.pem, certificateOf(rootOfIt).pem);
    assert.equal(chain.activeRoot?.pem, chain.root.pem);
    assert.equal(chain.notAfter, notAfter.getTime());
  }
});

const shallow = await newRoot({ pathLength: 0 });
const shallowMiddle = await shallow.issueIntermediate();
const expiredMiddle = await root.issueIntermediate(expired);
const anonymous = await newRoot({ emptyDn: true, keyIdentifiers: false });
const early = await newRoot({ notBefore: new Date(NOW + 1_000) });

// A certificate that is no CA and does not say what its key is for, and what that key signed.
const validity = { notBefore: new Date(NOW), notAfter: new Date(NOW + DAY) };
const keys = await generateKeyPair('ec-p256');
const { publicKey } = keys;
const noCa = signWith(
  { ...validity, subject: 'no CA', issuer: root.name, publicKey, issuerKeys: root.keys },
  [],
);
const forged = signCertificate({
  ...validity,
  subject: SERVICE,
  issuer: 'no CA',
  issuerKeys: keys,
  publicKey: (await generateKeyPair('ec-p256')).publicKey,
  ca: false,
  names: {},
});

const NO_CHAIN: Readonly<Record<string, readonly [Signed, readonly Signed[], TrustBundle]>> = {
  'an intermediate is missing everywhere': [leaf, [lower], bundleOf(root)],
  'its root is not listed (consul #9862)': [leaf, [lower, upper], bundleOf(other)],
  'a root of the same name has another key': [
    await newLeaf(bareRoot, { keyIdentifiers: false }),
    [],
    bundleOf(bareNamesake),
  ],
  'it has neither names nor key identifiers: OpenSSL takes it for self-signed': [
    await newLeaf(anonymous, { emptyDn: true, keyIdentifiers: false }),
    [],
    bundleOf(anonymous),
  ],
  'its root is not valid yet': [await newLeaf(early), [], bundleOf(early)],
  'its intermediate expired': [await newLeaf(expiredMiddle), [expiredMiddle], bundleOf(root)],
  'what signed it is no CA': [forged, [noCa], bundleOf(root)],
  'the path is longer than a CA allows (RFC 5280 section 4.2.1.9)': [
    await newLeaf(shallowMiddle),
    [shallowMiddle],
    bundleOf(shallow),
  ],
};

for (const [why, [end, given, bundle]] of Object.entries(NO_CHAIN)) {
  test(`a leaf has no chain if ${why}`, () => {
    assert.throws(() => chainOf(end, given, bundle), refusal('NO_CHAIN'));
  });
}

test('a refusal says how many roots were tried', () => {
  assert.throws(() => chainOf(leaf, [], bundleOf(root)), {
    message: /any of the 1 valid roots/,
    remedy: /compare the AuthorityKeyId of the leaf/,
  });
});

test('after a chain with keys of two types the next private key can be read (Node 20)', async () => {
  const rsa = await newRoot({ keyType: 'rsa-2048' });
  const middle = await rsa.issueIntermediate({ keyType: 'ec-p256' });
  const below = await newLeaf(middle);
  // The second time no signature is verified, which would hide it.
  for (let time = 0; time < 2; time += 1) chainOf(below, [middle], bundleOf(rsa));
  assert.ok(readPrivateKey(below.keyPem));
});
