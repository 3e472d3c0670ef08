import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bundleOf,
  bundleWith,
  carriedOut,
  decideOn,
  HOUR,
  LIFETIME,
  material,
  NOW,
  newLeaf,
  newRoot,
  pemsOf,
  publishedAs,
} from '../support.ts';

const root = await newRoot();
const bundle = bundleOf(root);
const leaf = await newLeaf(root);
const published = publishedAs(leaf, bundle);

test('a good leaf is kept, though Consul has a newer one', async () => {
  const newer = material(await newLeaf(root, { from: NOW + 69 * HOUR }));

  const decision = decideOn({ published, candidate: newer, bundle, at: NOW + 59 * HOUR });

  assert.deepEqual([decision.writesLeaf, decision.writesBundle], [false, false]);
  assert.equal(decision.content?.tlsCrt, leaf.chainPem);
  assert.equal(decision.violation, undefined);
});

test('a restart writes nothing: the published leaf is the one Consul has', () => {
  const decision = decideOn({ published, candidate: material(leaf), bundle, at: NOW + HOUR });

  assert.deepEqual([decision.writesLeaf, decision.writesBundle], [false, false]);
});

test('before Consul has answered with a leaf a good one is kept', () => {
  const decision = decideOn({ published, bundle });

  assert.equal(decision.content?.tlsCrt, published.certificatePem);
  assert.equal(decision.rejected, undefined);
});

test('a leaf with exactly 30 % of its lifetime left is kept, with less it is replaced', async () => {
  const candidate = material(await newLeaf(root, { from: NOW + 69 * HOUR }));
  const moments = [NOW + 70 * HOUR, NOW + 70 * HOUR + 1];

  const writes = moments.map((at) => decideOn({ published, candidate, bundle, at }).writesLeaf);

  assert.deepEqual(writes, [false, true]);
});

test('a bad candidate leaves a good leaf as it is, and it is said what is bad', async () => {
  const other = material(await newLeaf(root, { service: 'web' }));

  const decision = decideOn({ published, candidate: other, bundle });

  assert.equal(decision.writesLeaf, false);
  assert.equal(decision.rejected?.code, 'WRONG_SERVICE');
  assert.equal(decision.content?.tlsCrt, published.certificatePem);
});

test('a bad candidate leaves even an ageing leaf as it is', async () => {
  const at = NOW + 90 * HOUR;
  const expired = material(await newLeaf(root, { from: NOW - LIFETIME }));

  const decision = decideOn({ published, candidate: expired, bundle, at });

  assert.equal(decision.writesLeaf, false);
  assert.equal(decision.violation?.reason, 'renewal-due');
  assert.equal(decision.rejected?.code, 'EXPIRED');
});

test('when nothing that works exists nothing is to be written', async () => {
  const candidate = material(await newLeaf(root, { service: 'web' }));
  const broken = { ...published, privateKeyPem: candidate.privateKeyPem };

  const decision = decideOn({ published: broken, candidate, bundle });

  assert.equal(decision.content, undefined);
  assert.deepEqual([decision.writesLeaf, decision.writesBundle], [false, false]);
  assert.match(decision.rejected?.message ?? '', /^the leaf is spiffe:/);
});

test('with nothing published and nothing from Consul there is nothing to publish yet', () => {
  const decision = decideOn({ bundle });

  assert.equal(decision.content, undefined);
  assert.equal(decision.reason, undefined);
  assert.equal(decision.violation?.reason, 'missing');
});

test('the Secret of the old program, leaf and root in tls.crt, is kept', () => {
  const old = { ...published, certificatePem: leaf.certPem + root.certPem };

  const decision = decideOn({ published: old, candidate: material(leaf), bundle });

  assert.equal(decision.writesLeaf, false);
  assert.equal(decision.content?.tlsCrt, old.certificatePem);
});

test('the Secret of the old program, which had no ca.crt, gets one and keeps its leaf', () => {
  const old = { ...published, certificatePem: leaf.certPem + root.certPem, caPem: undefined };

  const decision = decideOn({ published: old, bundle });

  assert.deepEqual([decision.writesLeaf, decision.writesBundle], [false, true]);
  assert.equal(decision.content?.caCrt, bundle.pem);
});

test('roots alone change the bundle and leave tls.crt and tls.key byte for byte', async () => {
  const oddly = {
    certificatePem: `\r\n${leaf.certPem.replaceAll('\n', '\r\n')}${root.certPem}`,
    privateKeyPem: leaf.keyPem.trimEnd(),
    caPem: bundle.pem,
  };
  const more = bundleOf(root, await newRoot());

  const decision = decideOn({ published: oddly, candidate: material(leaf), bundle: more });

  assert.deepEqual([decision.writesLeaf, decision.writesBundle], [false, true]);
  assert.deepEqual(carriedOut(decision), { ...oddly, caPem: more.pem, upstreamCaPem: more.pem });
  assert.match(decision.reason ?? '', /^roots-changed: /);
});

const MODIFIED = {
  'that holds no certificate': { caPem: 'edited' },
  'that is missing': { caPem: undefined },
  'with a comment in it': { caPem: `# edited\n${bundle.pem}` },
  'with another root than before': { caPem: bundleOf(await newRoot()).pem, settledBundlePem: bundle.pem },
};
for (const [what, { caPem, settledBundlePem }] of Object.entries<{
  caPem: string | undefined;
  settledBundlePem?: string;
}>(MODIFIED)) {
  test(`D4: a ca.crt ${what} is restored without touching the leaf, and that is a repair`, () => {
    const decision = decideOn({ published: { ...published, caPem }, settledBundlePem, bundle });

    assert.deepEqual([decision.writesLeaf, decision.writesBundle], [false, true]);
    assert.equal(decision.content?.caCrt, bundle.pem);
    assert.equal(decision.reason, 'repair: the trust bundle was modified or removed');
  });
}

test('a published chain is kept where only the IntermediateCerts would still lengthen it', async () => {
  const previous = await newRoot();
  const crossSigned = previous.crossSign(root);

  const decision = decideOn({ published, candidate: material(leaf), bundle: bundleWith(root, crossSigned) });

  assert.equal(decision.writesLeaf, false);
  assert.equal(decision.content?.tlsCrt, pemsOf(leaf).join(''));
});
