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

interface Signed {
  readonly certPem: string;
}

const previous = await newRoot({ name: 'previous' });
const active = await newRoot({ name: 'active' });
const crossSigned = previous.crossSign(active);
const leaf = await newLeaf(active);
const middle = await previous.issueIntermediate({ name: 'middle' });
const resigned = active.crossSign(middle);

function rotationWith(...intermediates: readonly Signed[]) {
  return buildTrustBundle(listing(listRoot(active, { intermediates }), listRoot(previous)), NOW);
}

for (const [name, end, given, listed, chain, ends, reaches] of [
  [
    'the cross-signed certificate stays in the chain, so that the previous root verifies it too',
    leaf,
    [],
    [crossSigned],
    [crossSigned],
    previous,
    active,
  ],
  [
    'a leaf of the previous root does not reach the active one',
    await newLeaf(previous),
    [],
    [],
    [],
    previous,
    undefined,
  ],
  [
    'of an intermediate that both roots signed the one of the active root is published',
    await newLeaf(middle),
    [middle],
    [resigned],
    [resigned],
    active,
    active,
  ],
  [
    'no key is twice in a chain, though two roots have signed one another',
    leaf,
    [],
    [crossSigned, active.crossSign(previous)],
    [crossSigned],
    previous,
    active,
  ],
] as const) {
  test(`during a rotation ${name}`, () => {
    const found = buildChain(certificateOf(end), given.map(certificateOf), rotationWith(...listed), NOW);
    const pems = found.intermediates.map(({ pem }) => pem);
    assert.deepEqual(pems, pemsOf(...chain));
    assert.equal(found.root.pem, certificateOf(ends).pem);
    assert.equal(found.activeRoot?.pem, reaches && certificateOf(reaches).pem);
  });
}

test('what was published during a rotation works for peers that have only one of the roots', () => {
  const candidate = { certificatePem: leaf.certPem, privateKeyPem: leaf.keyPem };
  const { tlsCrt, tlsKey } = verifyIdentity(candidate, SERVICE, rotationWith(crossSigned), NOW);
  const served = { certificatePem: tlsCrt, privateKeyPem: tlsKey };
  for (const root of [previous, active]) verifyServed(served, SERVICE, bundleOf(root), NOW);
});

/** So many authorities, and `times` what each of them signed of each. */
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
