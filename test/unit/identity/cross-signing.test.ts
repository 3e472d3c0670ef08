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

function rotationWith(...intermediates: readonly { certPem: string }[]) {
  return buildTrustBundle(listing(listRoot(active, { intermediates }), listRoot(previous)), NOW);
}

for (const [name, listed] of [
  ['the cross-signed certificate stays in the chain, so that the previous root verifies it too', []],
  ['no key is twice in a chain, though two roots have signed each other', [active.crossSign(previous)]],
] as const) {
  test(`during a rotation ${name}`, () => {
    const found = buildChain(certificateOf(leaf), [], rotationWith(crossSigned, ...listed), NOW);
    const pems = found.intermediates.map(({ pem }) => pem);
    assert.deepEqual(pems, pemsOf(crossSigned));
    assert.equal(found.root.pem, certificateOf(previous).pem);
    assert.equal(found.activeRoot?.pem, certificateOf(active).pem);
  });
}

test('what is published during a rotation works for peers that have only one of the roots', () => {
  const candidate = { certificatePem: leaf.certPem, privateKeyPem: leaf.keyPem };
  const { tlsCrt, tlsKey } = verifyIdentity(candidate, SERVICE, rotationWith(crossSigned), NOW);
  const served = { certificatePem: tlsCrt, privateKeyPem: tlsKey };
  for (const root of [previous, active]) verifyServed(served, SERVICE, bundleOf(root), NOW);
});

/** The certificates of `count` authorities that each cross-signed all of them, `times` over. */
async function hostile(count: number, times: number) {
  const authorities = await Promise.all(Array.from({ length: count }, () => newRoot()));
  const crossed = Array.from({ length: times }, () =>
    authorities.flatMap((signer) => authorities.map((signed) => signer.crossSign(signed))),
  ).flat();
  const [first = assert.fail('no authority')] = authorities;
  return { first, crossed, end: certificateOf(await newLeaf(first)) };
}

test('a hostile number of cross-signed certificates ends within a second', async () => {
  const { crossed, end } = await hostile(5, 8);
  const bundle = bundleWith(active, ...crossed);
  const took = processorMs(() => {
    assert.throws(() => buildChain(end, [], bundle, NOW), refusal('NO_CHAIN'));
  });
  assert.ok(took < 1_000, `${took} ms`);
});

test('a hostile number of cross-signed certificates does not hide the short path', async () => {
  const { first, crossed, end } = await hostile(8, 1);
  const chain = buildChain(
    end,
    [...crossed, active.crossSign(first)].map(certificateOf),
    bundleOf(active),
    NOW,
  );
  assert.equal(chain.activeRoot?.pem, certificateOf(active).pem);
});
