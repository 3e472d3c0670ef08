import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildChain } from '../../../src/identity/chain.ts';
import { verifyIdentity, verifyServed } from '../../../src/identity/identity.ts';
import { buildTrustBundle } from '../../../src/identity/trust-bundle.ts';
import {
  bundleOf,
  bundleWith,
  certificateOf,
  listing,
  listRoot,
  NOW,
  newLeaf,
  newRoot,
  pemsOf,
  processorMs,
  refusal,
  SERVICE,
} from './support.ts';

const previous = await newRoot({ name: 'previous' });
const active = await newRoot({ name: 'active' });
const crossSigned = previous.crossSign(active);
const leaf = await newLeaf(active);
const rotation = buildTrustBundle(
  listing(listRoot(active, { intermediates: [crossSigned] }), listRoot(previous)),
  NOW,
);

test('during a rotation the cross-signed certificate stays in the chain, so that the previous root verifies it too', () => {
  const chain = buildChain(certificateOf(leaf), [], rotation, NOW);

  assert.deepEqual(
    chain.intermediates.map(({ pem }) => pem),
    pemsOf(crossSigned),
  );
});

test('a chain that ends at the previous root reaches the active one where a part of it does', () => {
  const chain = buildChain(certificateOf(leaf), [], rotation, NOW);

  assert.equal(chain.root.pem, certificateOf(previous).pem);
  assert.equal(chain.activeRoot?.pem, certificateOf(active).pem);
});

for (const [who, root] of [
  ['previous', previous],
  ['active', active],
] as const) {
  test(`what was published during a rotation works for a peer that knows only the ${who} root`, () => {
    const candidate = { certificatePem: leaf.certPem, privateKeyPem: leaf.keyPem };
    const { tlsCrt, tlsKey } = verifyIdentity(candidate, SERVICE, rotation, NOW);

    const served = { certificatePem: tlsCrt, privateKeyPem: tlsKey };

    assert.doesNotThrow(() => verifyServed(served, SERVICE, bundleOf(root), NOW));
  });
}

test('a leaf of the previous root does not reach the active one', async () => {
  const old = certificateOf(await newLeaf(previous));

  const chain = buildChain(old, [], rotation, NOW);

  assert.equal(chain.activeRoot, undefined);
});

test('of an intermediate that both roots signed the one of the active root is published', async () => {
  const middle = await previous.issueIntermediate({ name: 'middle' });
  const resigned = active.crossSign(middle);
  const end = certificateOf(await newLeaf(middle));
  const bundle = buildTrustBundle(
    listing(listRoot(active, { intermediates: [resigned] }), listRoot(previous)),
    NOW,
  );

  const chain = buildChain(end, [certificateOf(middle)], bundle, NOW);

  assert.deepEqual(
    chain.intermediates.map(({ pem }) => pem),
    pemsOf(resigned),
  );
  assert.equal(chain.activeRoot?.pem, certificateOf(active).pem);
});

test('no key stands twice in a chain, though two roots have signed one another', async () => {
  const back = active.crossSign(previous);
  const bundle = buildTrustBundle(
    listing(listRoot(active, { intermediates: [crossSigned, back] }), listRoot(previous)),
    NOW,
  );

  const chain = buildChain(certificateOf(leaf), [], bundle, NOW);

  assert.deepEqual(
    chain.intermediates.map(({ pem }) => pem),
    pemsOf(crossSigned),
  );
});

test('a hostile number of cross-signed certificates ends within a second', async () => {
  const authorities = await Promise.all(Array.from({ length: 5 }, () => newRoot()));
  const pairs = authorities.flatMap((signer) => authorities.map((signed) => ({ signer, signed })));
  const hostile = Array.from({ length: 8 }, () => pairs).flat();
  const crossed = hostile.map(({ signer, signed }) => signer.crossSign(signed));
  const [first] = authorities;
  assert.ok(first);
  const end = certificateOf(await newLeaf(first));
  const bundle = bundleWith(active, ...crossed);

  const took = processorMs(() => {
    assert.throws(() => buildChain(end, [], bundle, NOW), refusal('NO_CHAIN'));
  });

  assert.ok(took < 1_000, `${took} ms`);
});

test('a hostile number of cross-signed certificates does not hide the short path', async () => {
  const authorities = await Promise.all(Array.from({ length: 8 }, () => newRoot()));
  const pairs = authorities.flatMap((signer) => authorities.map((signed) => ({ signer, signed })));
  const crossed = pairs.map(({ signer, signed }) => signer.crossSign(signed));
  const [last] = authorities;
  assert.ok(last);
  const middle = active.crossSign(last);
  const end = certificateOf(await newLeaf(last));

  const chain = buildChain(end, [...crossed, middle].map(certificateOf), bundleOf(active), NOW);

  assert.equal(chain.activeRoot?.pem, certificateOf(active).pem);
});
