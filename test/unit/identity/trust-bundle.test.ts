import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTrustBundle, type ListedRoot } from '../../../src/identity/trust-bundle.ts';
import {
  certificateOf,
  DAY,
  listing,
  listRoot,
  NOW,
  newRoot,
  pemsOf,
  refusal,
  TRUST_DOMAIN,
} from './support.ts';

const oldest = await newRoot({ notBefore: new Date(NOW - 700 * DAY) });
const older = await newRoot({ notBefore: new Date(NOW - 600 * DAY) });
const newest = await newRoot({ notBefore: new Date(NOW - DAY) });
const expired = await newRoot({ notAfter: new Date(NOW - 1_000) });

function unreadable(id: string): ListedRoot {
  return { id, active: false, certificatePem: 'no PEM at all', intermediatePems: [] };
}

test('the active root stands first, then the newest', () => {
  const bundle = buildTrustBundle(listing(listRoot(older), listRoot(oldest), listRoot(newest)), NOW);

  assert.equal(bundle.pem, pemsOf(older, newest, oldest).join(''));
});

test("one set of roots has one order, whatever Consul's is", () => {
  const [a, b, c] = [listRoot(older), listRoot(oldest), listRoot(newest)];
  const orders = [
    [a, b, c],
    [a, c, b],
    [b, a, c],
    [b, c, a],
    [c, a, b],
    [c, b, a],
  ];

  const pems = orders.map(
    (roots) => buildTrustBundle({ trustDomain: TRUST_DOMAIN, activeRootId: a.id, roots }, NOW).pem,
  );

  assert.equal(new Set(pems).size, 1);
});

test('roots of the same age have one order too', async () => {
  const [a, b, c] = await Promise.all([newRoot(), newRoot(), newRoot()]);
  const [active, ...twins] = [listRoot(a), listRoot(b), listRoot(c)];

  const there = buildTrustBundle(listing(active, ...twins), NOW);
  const back = buildTrustBundle(listing(active, ...twins.reverse()), NOW);

  assert.equal(there.pem, back.pem);
});

test('a root that is listed twice is in the bundle once', () => {
  const bundle = buildTrustBundle(listing(listRoot(newest), { ...listRoot(newest), id: 'again' }), NOW);

  assert.equal(bundle.pem, pemsOf(newest).join(''));
});

test('an expired root beside a good one is dropped, and it is said which', () => {
  const bundle = buildTrustBundle(listing(listRoot(newest), listRoot(expired)), NOW);

  assert.equal(bundle.pem, pemsOf(newest).join(''));
  assert.match(bundle.dropped.join(), new RegExp(`root ${expired.serial} expired 2030-`));
});

test('a root is dropped at its notAfter, as OpenSSL would', () => {
  const { notAfter } = certificateOf(oldest);
  const listed = listing(listRoot(newest), listRoot(oldest));

  const sizes = [notAfter - 1, notAfter].map((at) => buildTrustBundle(listed, at).anchors.length);

  assert.deepEqual(sizes, [2, 1]);
});

test('an expired active root leaves the others, and none of them is active', () => {
  const bundle = buildTrustBundle(listing(listRoot(expired), listRoot(older)), NOW);

  assert.equal(bundle.pem, pemsOf(older).join(''));
  assert.equal(bundle.active.size, 0);
});

test('roots that have all expired are refused', () => {
  assert.throws(() => buildTrustBundle(listing(listRoot(expired)), NOW), refusal('NO_ROOT'));
});

test('no roots at all are refused', () => {
  const listed = { trustDomain: TRUST_DOMAIN, activeRootId: '', roots: [] };

  assert.throws(() => buildTrustBundle(listed, NOW), refusal('NO_ROOT'));
});

test('of several certificates in one RootCert the root is the anchor, the rest are intermediates', async () => {
  const intermediate = await newest.issueIntermediate();
  const certificatePem = intermediate.certPem + newest.certPem;

  const bundle = buildTrustBundle(listing({ ...listRoot(newest), certificatePem }), NOW);

  assert.equal(bundle.pem, pemsOf(newest).join(''));
  assert.deepEqual(bundle.active, new Set([certificateOf(newest).fingerprint]));
  assert.deepEqual(
    bundle.intermediates.map(({ pem }) => pem),
    pemsOf(intermediate),
  );
});

test('a RootCert that is itself issued by somebody outside is the anchor', async () => {
  const outside = await newRoot();
  const subordinate = await outside.issueIntermediate();

  const bundle = buildTrustBundle(listing(listRoot(subordinate)), NOW);

  assert.equal(bundle.pem, pemsOf(subordinate).join(''));
});

test('a nameless RootCert without key identifiers that stands there twice is the anchor', async () => {
  const outside = await newRoot({ emptyDn: true, keyIdentifiers: false });
  const subordinate = await outside.issueIntermediate({ emptyDn: true, keyIdentifiers: false });
  const certificatePem = subordinate.certPem + subordinate.certPem;

  const bundle = buildTrustBundle(listing({ ...listRoot(subordinate), certificatePem }), NOW);

  assert.equal(bundle.pem, pemsOf(subordinate).join(''));
});

test('a RootCert with text before it, CRLF and no final newline is published as normal PEM', () => {
  const certificatePem = `CN=Vault\r\n${newest.certPem.replaceAll('\n', '\r\n').trimEnd()}`;

  const bundle = buildTrustBundle(listing({ ...listRoot(newest), certificatePem }, listRoot(older)), NOW);

  assert.equal(bundle.pem, pemsOf(newest, older).join(''));
});

test('ActiveRootID says which root is active, whatever root is flagged', () => {
  const roots = [listRoot(older), listRoot(newest, { active: true })];

  const bundle = buildTrustBundle({ trustDomain: TRUST_DOMAIN, activeRootId: older.serial, roots }, NOW);

  assert.deepEqual(bundle.active, new Set([certificateOf(older).fingerprint]));
});

test('an ActiveRootID that no root has is overruled by the one root that is flagged active', () => {
  const roots = [listRoot(older), listRoot(newest, { active: true })];

  const bundle = buildTrustBundle({ trustDomain: TRUST_DOMAIN, activeRootId: 'nobody', roots }, NOW);

  assert.deepEqual(bundle.active, new Set([certificateOf(newest).fingerprint]));
});

test('an only root is the active one, whatever ActiveRootID says', () => {
  const listed = { trustDomain: TRUST_DOMAIN, activeRootId: 'nobody', roots: [listRoot(older)] };

  const bundle = buildTrustBundle(listed, NOW);

  assert.deepEqual(bundle.active, new Set([certificateOf(older).fingerprint]));
});

for (const active of [true, false]) {
  test(`an ActiveRootID that no root has, with ${active ? 'two roots' : 'no root'} flagged active, is refused`, () => {
    const roots = [listRoot(older, { active }), listRoot(newest, { active })];
    const listed = { trustDomain: TRUST_DOMAIN, activeRootId: 'nobody', roots };

    assert.throws(() => buildTrustBundle(listed, NOW), refusal('NO_ROOT'));
  });
}

test('an unreadable root that is not active is dropped, and it is said which', () => {
  const bundle = buildTrustBundle(listing(listRoot(newest), unreadable('broken')), NOW);

  assert.equal(bundle.pem, pemsOf(newest).join(''));
  assert.match(bundle.dropped.join(), /root broken/);
});

test('an unreadable active root is refused', () => {
  assert.throws(
    () => buildTrustBundle(listing(unreadable('broken'), listRoot(newest)), NOW),
    refusal('PEM_UNREADABLE'),
  );
});

test('an unreadable intermediate is dropped, even that of the active root', () => {
  const root = { ...listRoot(newest), intermediatePems: ['no PEM', ''] };

  const bundle = buildTrustBundle(listing(root), NOW);

  assert.deepEqual([bundle.intermediates.length, bundle.dropped.length], [0, 2]);
});

test('the trust domain is kept in lower case', () => {
  const bundle = buildTrustBundle({ ...listing(listRoot(newest)), trustDomain: 'ABC.Consul' }, NOW);

  assert.equal(bundle.trustDomain, 'abc.consul');
});
