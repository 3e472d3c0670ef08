import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Published } from '../../../../src/identity/published.ts';
import { ANYWHERE } from '../../../../src/identity/spiffe-id.ts';
import { buildTrustBundle } from '../../../../src/identity/trust-bundle.ts';
import { active, after, before, newOne, published as ofPrevious, oldLeaf, previous } from '../rotation.ts';
import {
  bundleOf,
  bundleWith,
  carriedOut,
  decideOn,
  HOUR,
  LIFETIME,
  listing,
  listRoot,
  material,
  NOW,
  newLeaf,
  newRoot,
  pemsOf,
  publishedAs,
  SERVICE,
  TRUST_DOMAIN,
} from '../support.ts';
import { testDecisions } from './table.ts';

// When the leaf is replaced. A lifetime has 100 hours, so an hour is a percent.

const root = await newRoot();
const bundle = bundleOf(root);
const intermediate = await root.issueIntermediate();
const fresh = await newLeaf(root);
const other = await newLeaf(root);
const deep = await newLeaf(intermediate);
const candidate = material(fresh);
const published = publishedAs(fresh, bundle);

const aged = async (hours: number) => material(await newLeaf(root, { from: NOW - hours * HOUR }));
const publishedFor = async (hours: number): Promise<Published> => ({
  ...(await aged(hours)),
  caPem: bundle.pem,
});
const freshAt = async (at: number, authority = root) => material(await newLeaf(authority, { from: at }));

const ofWeb = material(await newLeaf(root, { service: 'web' }));
const elsewhere = material(
  await newLeaf(root, { uris: [`spiffe://${TRUST_DOMAIN}/ns/team/dc/dc2/svc/${SERVICE}`] }),
);
const TEAM = { ...ANYWHERE, namespace: 'team' };
const withRoot = fresh.certPem + root.certPem;
const ageing = await aged(71);
const afterAgeing = NOW + 71 * HOUR;

testDecisions({
  'where nothing is published the leaf is': [
    { candidate, bundle },
    {
      writes: 'leaf, bundle',
      cause: /^missing: /,
      tlsCrt: fresh.chainPem,
      tlsKey: fresh.keyPem,
      caCrt: bundle.pem,
    },
  ],
  'with nothing published and nothing from Consul there is nothing to publish': [
    { bundle },
    { violation: 'missing', tlsCrt: undefined },
  ],
  'a restart writes nothing: the published leaf is the one Consul has': [
    { published, candidate, bundle, at: NOW + HOUR },
    { tlsCrt: fresh.chainPem },
  ],
  'a good leaf is kept before Consul has answered': [{ published, bundle }, { tlsCrt: fresh.chainPem }],
  'a good leaf is kept although Consul has a newer one': [
    { published, candidate: await freshAt(NOW + 50 * HOUR), bundle, at: NOW + 59 * HOUR },
    { tlsCrt: fresh.chainPem },
  ],
  'a leaf with exactly 30 % of its lifetime left is kept': [
    { published, candidate: await freshAt(NOW + 69 * HOUR), bundle, at: NOW + 70 * HOUR },
    {},
  ],
  'a leaf with less than 30 % of its lifetime left is replaced': [
    { published, candidate: await freshAt(NOW + 69 * HOUR), bundle, at: NOW + 70 * HOUR + 1 },
    { writes: 'leaf', cause: /^renewal-due: / },
  ],
  'a bad candidate leaves a good leaf as it is, and is rejected': [
    { published, candidate: ofWeb, bundle },
    { rejected: 'WRONG_SERVICE', tlsCrt: fresh.chainPem },
  ],
  'a bad candidate leaves even an ageing leaf as it is': [
    { published, candidate: await aged(100), bundle, at: NOW + 90 * HOUR },
    { violation: 'renewal-due', rejected: 'EXPIRED', tlsCrt: fresh.chainPem },
  ],
  'where neither works nothing is written': [
    { published: { ...published, privateKeyPem: other.keyPem }, candidate: ofWeb, bundle },
    { violation: 'invalid', rejected: 'WRONG_SERVICE', tlsCrt: undefined },
  ],
  'the Secret of the old program, leaf and root in tls.crt, is kept': [
    { published: { ...published, certificatePem: withRoot }, candidate, bundle },
    { tlsCrt: withRoot },
  ],
  'the Secret of the old program, which had no ca.crt, gets one and keeps its leaf': [
    { published: { ...published, certificatePem: withRoot, caPem: undefined }, bundle },
    { writes: 'bundle', tlsCrt: withRoot, caCrt: bundle.pem },
  ],
  'a published chain is kept where only the IntermediateCerts would lengthen it': [
    { published, candidate, bundle: bundleWith(root, (await newRoot()).crossSign(root)) },
    { tlsCrt: pemsOf(fresh).join('') },
  ],
  'a published chain without its intermediate is invalid, although Consul lists the intermediate': [
    {
      published: { certificatePem: deep.certPem, privateKeyPem: deep.keyPem, caPem: bundle.pem },
      candidate: { certificatePem: deep.certPem, privateKeyPem: deep.keyPem },
      bundle: bundleWith(root, intermediate),
    },
    { writes: 'leaf', cause: /^invalid: /, tlsCrt: pemsOf(deep, intermediate).join('') },
  ],

  'a published leaf of another service is replaced': [
    { published: { ...ofWeb, caPem: bundle.pem }, candidate, bundle },
    { writes: 'leaf', cause: /^wrong-identity: / },
  ],
  'a published leaf of another trust domain is replaced': [
    {
      published: publishedAs(await newLeaf(root, { trustDomain: 'other.consul' }), bundle),
      candidate,
      bundle,
    },
    { writes: 'leaf', cause: /^wrong-identity: / },
  ],
  'a published leaf of another namespace than the configured one is replaced by one of that': [
    { published, candidate: elsewhere, scope: TEAM, bundle },
    { writes: 'leaf', cause: /^wrong-identity: .*\/ns\/default\/.* but namespace team was requested$/ },
  ],
  'a leaf of another namespace stays where Consul has none of the configured one': [
    { published, candidate, scope: TEAM, bundle },
    { violation: 'wrong-identity', rejected: 'WRONG_SCOPE', tlsCrt: fresh.chainPem },
  ],
  'a leaf of another datacenter, as another agent may give it, triggers no write where none is configured': [
    { published, candidate: elsewhere, bundle },
    {},
  ],

  'an ageing leaf is replaced by a fresh one': [
    { published: { ...ageing, caPem: bundle.pem }, candidate, bundle },
    {
      writes: 'leaf',
      cause: /^renewal-due: the published leaf has 29 % of its lifetime left$/,
      tlsCrt: fresh.chainPem,
    },
  ],
  'an ageing leaf is not replaced by one that lives no longer': [
    {
      published: { ...ageing, caPem: bundle.pem },
      candidate: material(await newLeaf(root, { from: NOW - HOUR, lasts: 30 * HOUR })),
      bundle,
    },
    { violation: 'renewal-due' },
  ],
  'F6: a published leaf that begins within the hour is of a writer whose clock is ahead, and stays': [
    { published: await publishedFor(-1), candidate, bundle },
    {},
  ],
  'I2: a published leaf with a weak key is replaced by a strong one': [
    { published: publishedAs(await newLeaf(root, { keyType: 'rsa-1024' }), bundle), candidate, bundle },
    { writes: 'leaf', cause: /^invalid: the leaf has an RSA key of 1024 bits/ },
  ],

  'a leaf signed by the previous root is kept until the new one arrives, and the bundle gains the new root': [
    { published: ofPrevious, candidate: material(oldLeaf), bundle: after },
    {
      writes: 'bundle',
      violation: 'inactive-root',
      tlsCrt: oldLeaf.chainPem,
      caCrt: pemsOf(active, previous).join(''),
    },
  ],
  'a leaf signed by the active root replaces one of the previous root': [
    { published: ofPrevious, candidate: material(newOne), bundle: after },
    { writes: 'leaf, bundle', cause: /^inactive-root: / },
  ],
  'another leaf of the previous root does not replace one of the previous root': [
    {
      published: publishedAs(oldLeaf, after),
      candidate: await freshAt(NOW, previous),
      bundle: after,
      at: NOW + 1,
    },
    { violation: 'inactive-root' },
  ],
  'an ageing leaf of the previous root is renewed, though the new one is of the previous root too': [
    {
      published: publishedAs(oldLeaf, after),
      candidate: await freshAt(afterAgeing, previous),
      bundle: after,
      at: afterAgeing,
    },
    { writes: 'leaf', cause: /^renewal-due: /, violation: 'inactive-root' },
  ],
  'a leaf of the previous root does not displace an ageing one of the active root': [
    {
      published: publishedAs(newOne, after),
      candidate: await freshAt(afterAgeing, previous),
      bundle: after,
      at: afterAgeing,
    },
    { violation: 'renewal-due' },
  ],
  'a leaf of the previous root is published where nothing is: peers still accept it': [
    { candidate: material(oldLeaf), bundle: after },
    { writes: 'leaf, bundle', violation: 'inactive-root' },
  ],
  'a leaf of a root that is not listed is rejected, whatever the age of the published one': [
    { published: ofPrevious, candidate: await freshAt(NOW, root), bundle: before, at: NOW + 90 * HOUR },
    { violation: 'renewal-due', rejected: 'NO_CHAIN' },
  ],
  'where the active root has expired a leaf of another listed root is good': [
    {
      published: ofPrevious,
      candidate: material(oldLeaf),
      bundle: bundleOf(await newRoot({ notAfter: new Date(NOW - 1_000) }), previous),
    },
    {},
  ],
  'after a whole rotation the previous root leaves the bundle and the leaf stays': [
    { published: publishedAs(newOne, after), bundle: bundleOf(active) },
    { writes: 'bundle', tlsCrt: newOne.chainPem, caCrt: bundleOf(active).pem },
  ],
});

const UNPUBLISHABLE = {
  'has the key of another certificate': { certificatePem: fresh.certPem, privateKeyPem: other.keyPem },
  'has lost its key': { certificatePem: other.certPem, privateKeyPem: '' },
  'has lost its certificate': { certificatePem: '', privateKeyPem: other.keyPem },
  'holds something else': { certificatePem: 'edited by hand', privateKeyPem: 'edited by hand' },
  'has expired': material(await newLeaf(root, { from: NOW - LIFETIME - 1_000 })),
  'is not valid yet': material(await newLeaf(root, { from: NOW + HOUR + 1_000 })),
  'is of a root that is no longer listed': material(await newLeaf(await newRoot())),
  'lacks its intermediate': { certificatePem: deep.certPem, privateKeyPem: deep.keyPem },
  'does not begin with its leaf': {
    certificatePem: intermediate.certPem + deep.certPem,
    privateKeyPem: deep.keyPem,
  },
  'is the certificate of a CA': { certificatePem: root.certPem, privateKeyPem: root.keyPem },
};

for (const [fault, broken] of Object.entries(UNPUBLISHABLE)) {
  testDecisions({
    [`a published leaf that ${fault} is replaced`]: [
      { published: { ...broken, caPem: bundle.pem }, candidate, bundle },
      {
        writes: 'leaf',
        cause: /^invalid: /,
        tlsCrt: fresh.chainPem,
        tlsKey: fresh.keyPem,
        caCrt: bundle.pem,
      },
    ],
    [`a published leaf that ${fault} stays where Consul has nothing better`]: [
      { published: { ...broken, caPem: 'edited' }, bundle },
      { violation: 'invalid', tlsCrt: undefined },
    ],
  });
}

for (const [age, other, isReplaced] of [
  [71, 71, false],
  // Another is fresh with 85 % of its lifetime left.
  [84, 15, true],
  [84, 16, false],
  // With less than 15 % left any is good enough that gains 10 % of the lifetime, or doubles what is left.
  [85, 71, false],
  [86, 77, false],
  [86, 76, true],
  [99, 98, true],
] as const) {
  test(`F7: a leaf that is ${age} % over is ${isReplaced ? '' : 'not '}replaced by one that is ${other} % over`, async () => {
    const input = { published: await publishedFor(age), candidate: await aged(other), bundle };
    const { writesLeaf, violation } = decideOn(input);
    assert.equal(writesLeaf, isReplaced);
    assert.equal(violation?.reason, other === 15 ? undefined : 'renewal-due');
  });
}

for (const [what, scope] of [
  ['datacenter', { ...ANYWHERE, datacenter: 'dc2' }],
  ['namespace', TEAM],
  ['partition', { ...ANYWHERE, partition: 'edge' }],
] as const) {
  test(`T2: a leaf of another ${what} than the configured one is not published, with the reason`, () => {
    const { content, rejected } = decideOn({ candidate, bundle, scope });
    assert.deepEqual([content, rejected?.code], [undefined, 'WRONG_SCOPE']);
    assert.match(rejected?.message ?? '', new RegExp(` ${what} `));
    assert.match(rejected?.remedy ?? '', /set _CONSUL_HOST to a server of the requested datacenter/);
  });
}

test('a leaf whose intermediate both roots signed is published once and then kept', async () => {
  const middle = await previous.issueIntermediate();
  const intermediates = [active.crossSign(middle)];
  const both = buildTrustBundle(listing(listRoot(active, { intermediates }), listRoot(previous)), NOW);
  const leaf = material(await newLeaf(middle));
  const first = decideOn({ candidate: leaf, bundle: both });
  const again = decideOn({ published: carriedOut(first), candidate: leaf, bundle: both });
  assert.equal(first.violation, undefined);
  assert.deepEqual([again.writesLeaf, again.writesBundle, again.violation], [false, false, undefined]);
});
