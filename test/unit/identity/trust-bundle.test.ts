import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bundleOfListed, plan } from '../../../src/identity/policy/plan.ts';
import { isSameBundle } from '../../../src/identity/policy/unconfirmed.ts';
import { ANYWHERE } from '../../../src/identity/spiffe-id.ts';
import { buildTrustBundle, type ListedRoot } from '../../../src/identity/trust-bundle.ts';
import { createRoot } from '../../fixtures/certificates/factory.ts';
import {
  certificateOf,
  DAY,
  HOUR,
  listing,
  listRoot,
  material,
  NOW,
  newLeaf,
  newRoot,
  pemsOf,
  refusal,
  SERVICE,
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

const stranger = await createRoot({ trustDomain: 'other.consul', notBefore: new Date(NOW - DAY) });
const web = await newLeaf(newest, { service: 'web' });
const future = await newRoot({ notBefore: new Date(NOW + DAY) });
const LEFT_OUT = {
  'a certificate of another service': [web, /is not the certificate of a CA/],
  'a root of another trust domain': [stranger, /is of the trust domain other\.consul/],
  'a root that is not valid for a day': [future, /is not valid before 2030-01-16T12:00:00\.000Z/],
} as const;

for (const [what, [other, reason]] of Object.entries(LEFT_OUT)) {
  test(`I3: ${what} is left out of the bundle, with the reason`, () => {
    const bundle = buildTrustBundle(listing(listRoot(newest), listRoot(other)), NOW);

    assert.equal(bundle.pem, pemsOf(newest).join(''));
    assert.equal(bundle.dropped.length, 1);
    assert.match(bundle.dropped.join(), reason);
    assert.match(bundle.dropped.join(), new RegExp(`^root ${other.serial} `));
  });
}

test('I3: a root that Consul signs with stays, whatever trust domain it names: peers do not look', () => {
  const bundle = buildTrustBundle(listing(listRoot(stranger), listRoot(newest)), NOW);

  assert.equal(bundle.pem, pemsOf(stranger, newest).join(''));
});

test('I3: a root of an external CA, without a SPIFFE ID, stays', async () => {
  const dnsName = { id: '2.5.29.17', critical: false, value: Buffer.from('300482026361', 'hex') };
  const external = await createRoot({ notBefore: new Date(NOW - 2 * DAY), extensions: [dnsName] });

  const bundle = buildTrustBundle(listing(listRoot(newest), listRoot(external)), NOW);

  assert.equal(bundle.pem, pemsOf(newest, external).join(''));
});

test('I3: a root that begins within the hour is one of a clock ahead of ours, and stays', () => {
  const listed = listing(listRoot(newest), listRoot(future));
  const begins = future.notBefore.getTime();

  const sizes = [begins - HOUR - 1, begins - HOUR].map((at) => buildTrustBundle(listed, at).anchors.length);

  assert.deepEqual(sizes, [1, 2]);
});

test('I3: replicas whose clocks differ agree about a root that is not valid yet, whichever of them published', () => {
  const listed = listing(listRoot(newest), listRoot(future));
  const without = pemsOf(newest).join('');
  const begins = future.notBefore.getTime();
  const moments = [DAY, HOUR + 1, HOUR, 0.75 * HOUR + 1, 0.75 * HOUR, 0, -HOUR];
  const bundles = moments.map((before) => buildTrustBundle(listed, begins - before));
  const pemWithBoth = bundles.at(-1)?.pem ?? '';

  const isLeft = bundles.map((bundle) => isSameBundle(without, bundle));

  assert.deepEqual(isLeft, [true, true, true, true, false, false, false]);
  assert.ok(bundles.every((bundle) => isSameBundle(pemWithBoth, bundle)));
});

test('I3: the bundle tells when time alone puts a root into it', () => {
  const listed = listing(listRoot(newest), listRoot(future));
  const begins = future.notBefore.getTime();

  const changes = [NOW, begins - HOUR, begins - 0.75 * HOUR].map(
    (at) => buildTrustBundle(listed, at).changesAt,
  );

  assert.deepEqual(changes, [begins - HOUR, begins - 0.75 * HOUR, Number.POSITIVE_INFINITY]);
});

describe('S4: a RootCert', () => {
  const named = { name: 'Consul CA', keyIdentifiers: false } as const;
  const of = async (count: number) => {
    const other = await newRoot(named);
    const made = await Promise.all(Array.from({ length: count }, () => other.issueIntermediate(named)));
    return { ...listRoot(other), certificatePem: pemsOf(...made).join('') };
  };

  test('of nine certificates is refused, one of eight is not', async () => {
    const [nine, eight] = await Promise.all([of(9), of(8)]);

    assert.equal(buildTrustBundle(listing(eight), NOW).anchors.length, 8);
    assert.throws(() => buildTrustBundle(listing(nine), NOW), refusal('TOO_MANY_CERTIFICATES'));
  });

  test('is refused with all others that look like one another: a decision checks a bounded number of signatures', async () => {
    const sets = await Promise.all(Array.from({ length: 4 }, () => of(8)));
    const [active, ...others] = sets.map((root, index) => ({ ...root, id: `root-${index}` }));
    assert.ok(active);

    assert.throws(() => buildTrustBundle(listing(active, ...others), NOW), refusal('TOO_MANY_CERTIFICATES'));
  });

  test('and the roots of before are used then', async () => {
    const good = await newRoot();
    const sets = await Promise.all(Array.from({ length: 4 }, () => of(8)));
    const [active, ...others] = sets.map((root, index) => ({ ...root, id: `root-${index}` }));
    assert.ok(active);

    const planned = plan({
      newest: bundleOfListed(listing(active, ...others), undefined, NOW),
      usableRoots: listing(listRoot(good)),
      published: undefined,
      candidate: material(await newLeaf(good)),
      service: SERVICE,
      scope: ANYWHERE,
      verifiesUpstream: false,
      previous: undefined,
      at: NOW,
    });

    assert.ok(planned.kind === 'planned');
    assert.equal(planned.rootsRejected?.code, 'TOO_MANY_CERTIFICATES');
    assert.equal(planned.decision.kind, 'replace');
  });
});

test('S3: 300 certificates are read of a list of roots, and no more', async () => {
  const roots = await Promise.all(Array.from({ length: 300 }, () => newRoot()));
  const [active, ...others] = roots.map((root) => listRoot(root));
  assert.ok(active);
  const more = { ...listRoot(oldest), intermediatePems: [newest.certPem] };

  assert.equal(buildTrustBundle(listing(active, ...others), NOW).anchors.length, 300);
  assert.throws(
    () => buildTrustBundle(listing(active, ...others, more), NOW),
    refusal('TOO_MANY_CERTIFICATES'),
  );
});

test('S3: of hundreds of roots that are left out the first are told, their names cut', () => {
  const bad = Array.from({ length: 200 }, (_, index) => unreadable(`\u001b[2J${index}`.padEnd(5_000, 'x')));

  const { dropped } = buildTrustBundle(listing(listRoot(newest), ...bad), NOW);

  assert.equal(dropped.length, 21);
  assert.equal(dropped.at(-1), 'and 180 more');
  assert.match(dropped[0] ?? '', /^root \\u001b\[2J0x{80,100}… holds no PEM block$/);
});
