import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CertificateAndKey } from '../../../../src/identity/identity.ts';
import type { Published } from '../../../../src/identity/published.ts';
import { ANYWHERE } from '../../../../src/identity/spiffe-id.ts';
import { buildTrustBundle } from '../../../../src/identity/trust-bundle.ts';
import { active, after, before, newOne, published as ofPrevious, oldLeaf, previous } from '../rotation.ts';
import {
  bundleOf,
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
const FRESH = { tlsCrt: fresh.chainPem, tlsKey: fresh.keyPem, caCrt: bundle.pem } as const;

const below = (served: CertificateAndKey): Published => ({ ...served, caPem: bundle.pem });
const aged = async (hours: number) => material(await newLeaf(root, { from: NOW - hours * HOUR }));
const freshAt = async (at: number, authority = root) => material(await newLeaf(authority, { from: at }));

const ofWeb = material(await newLeaf(root, { service: 'web' }));
const elsewhere = material(
  await newLeaf(root, { uris: [`spiffe://${TRUST_DOMAIN}/ns/team/dc/dc2/svc/${SERVICE}`] }),
);
const TEAM = { ...ANYWHERE, namespace: 'team' };
const withRoot = fresh.certPem + root.certPem;
const withoutIntermediate = { certificatePem: deep.certPem, privateKeyPem: deep.keyPem };
const usual = { published, candidate, bundle };

testDecisions(usual, {
  'a leaf is published if there is none': [
    { published: undefined },
    { writes: 'leaf, bundle', cause: /^missing: /, ...FRESH },
  ],
  'nothing is published while Consul has no leaf': [
    { published: undefined, candidate: undefined },
    { violation: 'missing', tlsCrt: undefined },
  ],
  'a restart writes nothing: the published leaf is the one Consul has': [
    { at: NOW + HOUR },
    { tlsCrt: fresh.chainPem },
  ],
  'a valid leaf is kept before Consul has answered': [{ candidate: undefined }, { tlsCrt: fresh.chainPem }],
  'a valid leaf is kept although Consul has a newer one': [
    { candidate: await freshAt(NOW + 50 * HOUR), at: NOW + 59 * HOUR },
    { tlsCrt: fresh.chainPem },
  ],
  'a leaf with exactly 30 % of its lifetime left is kept': [
    { candidate: await freshAt(NOW + 69 * HOUR), at: NOW + 70 * HOUR },
    {},
  ],
  'a leaf with less than 30 % of its lifetime left is replaced': [
    { candidate: await freshAt(NOW + 69 * HOUR), at: NOW + 70 * HOUR + 1 },
    { writes: 'leaf', cause: /^renewal-due: / },
  ],
  'an invalid candidate is rejected, and a valid leaf stays': [
    { candidate: ofWeb },
    { rejected: 'WRONG_SERVICE', tlsCrt: fresh.chainPem },
  ],
  'an invalid candidate is rejected, and even an ageing leaf stays': [
    { candidate: await aged(100), at: NOW + 90 * HOUR },
    { violation: 'renewal-due', rejected: 'EXPIRED', tlsCrt: fresh.chainPem },
  ],
  'nothing is written if neither is valid': [
    { published: { ...published, privateKeyPem: other.keyPem }, candidate: ofWeb },
    { violation: 'invalid', rejected: 'WRONG_SERVICE', tlsCrt: undefined },
  ],
  'an invalid leaf stays while Consul has none, even beside a modified bundle': [
    { published: { ...withoutIntermediate, caPem: 'edited' }, candidate: undefined },
    { violation: 'invalid', tlsCrt: undefined },
  ],
  'the Secret of the old program, leaf and root in tls.crt, is kept': [
    { published: { ...published, certificatePem: withRoot } },
    { tlsCrt: withRoot },
  ],
  'the Secret of the old program, which had no ca.crt, gets one and keeps its leaf': [
    { published: { ...published, certificatePem: withRoot, caPem: undefined }, candidate: undefined },
    { writes: 'bundle', tlsCrt: withRoot, caCrt: bundle.pem },
  ],

  'a published leaf of another service is replaced': [
    { published: below(ofWeb) },
    { writes: 'leaf', cause: /^wrong-identity: / },
  ],
  'a published leaf of another trust domain is replaced': [
    { published: publishedAs(await newLeaf(root, { trustDomain: 'other.consul' }), bundle) },
    { writes: 'leaf', cause: /^wrong-identity: / },
  ],
  'a published leaf of another namespace than the configured one is replaced': [
    { candidate: elsewhere, scope: TEAM },
    { writes: 'leaf', cause: /^wrong-identity: .*\/ns\/default\/.* but namespace team was requested$/ },
  ],
  'a leaf of another namespace stays if Consul has none of the configured one': [
    { scope: TEAM },
    { violation: 'wrong-identity', rejected: 'WRONG_SCOPE', tlsCrt: fresh.chainPem },
  ],
  'a leaf of another datacenter, as another agent may issue it, triggers no write if none is configured': [
    { candidate: elsewhere },
    {},
  ],

  'an ageing leaf is replaced by a fresh one': [
    { published: below(await aged(71)) },
    {
      writes: 'leaf',
      cause: /^renewal-due: the published leaf has 29 % of its lifetime left$/,
      tlsCrt: fresh.chainPem,
    },
  ],
  'an ageing leaf is not replaced by one that expires no later': [
    {
      published: below(await aged(71)),
      candidate: material(await newLeaf(root, { from: NOW - HOUR, lasts: 30 * HOUR })),
    },
    { violation: 'renewal-due' },
  ],
  'F6: a published leaf that is valid within the hour is from a writer whose clock is ahead, and stays': [
    { published: below(await aged(-1)) },
    {},
  ],
});

const ageingAt = NOW + 71 * HOUR;
const rotated = { published: publishedAs(oldLeaf, after), bundle: after };

testDecisions(rotated, {
  'a leaf of the previous root is kept until the new one arrives, and the bundle gains the new root': [
    { published: ofPrevious, candidate: material(oldLeaf) },
    {
      writes: 'bundle',
      violation: 'inactive-root',
      tlsCrt: oldLeaf.chainPem,
      caCrt: pemsOf(active, previous).join(''),
    },
  ],
  'a leaf of the active root replaces one of the previous root': [
    { published: ofPrevious, candidate: material(newOne) },
    { writes: 'leaf, bundle', cause: /^inactive-root: / },
  ],
  'another leaf of the previous root does not replace one of the previous root': [
    { candidate: await freshAt(NOW, previous), at: NOW + 1 },
    { violation: 'inactive-root' },
  ],
  'an ageing leaf of the previous root is renewed, though the new one is of the previous root too': [
    { candidate: await freshAt(ageingAt, previous), at: ageingAt },
    { writes: 'leaf', cause: /^renewal-due: /, violation: 'inactive-root' },
  ],
  'a leaf of the previous root does not replace an ageing one of the active root': [
    {
      published: publishedAs(newOne, after),
      candidate: await freshAt(ageingAt, previous),
      at: ageingAt,
    },
    { violation: 'renewal-due' },
  ],
  'a leaf of the previous root is published if there is none: peers still accept it': [
    { published: undefined, candidate: material(oldLeaf) },
    { writes: 'leaf, bundle', violation: 'inactive-root' },
  ],
  'a leaf of a root that is not listed is rejected, whatever the age of the published one': [
    { published: ofPrevious, candidate: await freshAt(NOW, root), bundle: before, at: NOW + 90 * HOUR },
    { violation: 'renewal-due', rejected: 'NO_CHAIN' },
  ],
  'if the active root has expired a leaf of another listed root is valid': [
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

for (const [fault, broken] of Object.entries({
  'has the key of another certificate': { certificatePem: fresh.certPem, privateKeyPem: other.keyPem },
  'has lost its key': { certificatePem: other.certPem, privateKeyPem: '' },
  'has lost its certificate': { certificatePem: '', privateKeyPem: other.keyPem },
  'holds something else': { certificatePem: 'edited by hand', privateKeyPem: 'edited by hand' },
  'has expired': material(await newLeaf(root, { from: NOW - LIFETIME - 1_000 })),
  'is not valid yet': material(await newLeaf(root, { from: NOW + HOUR + 1_000 })),
  'is of a root that is no longer listed': material(await newLeaf(await newRoot())),
  'lacks its intermediate': withoutIntermediate,
  'does not begin with its leaf': {
    certificatePem: intermediate.certPem + deep.certPem,
    privateKeyPem: deep.keyPem,
  },
  'is the certificate of a CA': { certificatePem: root.certPem, privateKeyPem: root.keyPem },
})) {
  testDecisions(usual, {
    [`a published leaf that ${fault} is replaced`]: [
      { published: below(broken) },
      { writes: 'leaf', cause: /^invalid: /, ...FRESH },
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
  test(`F7: a leaf with ${100 - age} % left is ${isReplaced ? '' : 'not '}replaced by one with ${100 - other} % left`, async () => {
    const input = { published: below(await aged(age)), candidate: await aged(other), bundle };
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

test('a leaf whose intermediate both roots have signed is published once and then kept', async () => {
  const middle = await previous.issueIntermediate();
  const intermediates = [active.crossSign(middle)];
  const both = buildTrustBundle(listing(listRoot(active, { intermediates }), listRoot(previous)), NOW);
  const leaf = material(await newLeaf(middle));
  const first = decideOn({ candidate: leaf, bundle: both });
  const again = decideOn({ published: carriedOut(first), candidate: leaf, bundle: both });
  assert.equal(first.violation, undefined);
  assert.deepEqual([again.writesLeaf, again.writesBundle, again.violation], [false, false, undefined]);
});
