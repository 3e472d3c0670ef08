import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundleOfListed, plan } from '../../../src/identity/policy/plan.ts';
import { isSameBundle } from '../../../src/identity/policy/unconfirmed.ts';
import { ANYWHERE } from '../../../src/identity/spiffe-id.ts';
import {
  buildTrustBundle,
  type ListedRoot,
  type ListedRoots,
  type TrustBundle,
} from '../../../src/identity/trust-bundle.ts';
import type { Certificate } from '../../../src/identity/x509/certificate.ts';
import { type Authority, createRoot, subjectAlternativeName } from '../../fixtures/certificates/factory.ts';
import {
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

const r = listRoot;
const after = (days: number) => new Date(NOW + days * DAY);
const oldest = await newRoot({ name: 'oldest', notBefore: after(-700) });
const older = await newRoot({ name: 'older', notBefore: after(-600) });
const newest = await newRoot({ name: 'newest', notBefore: after(-1) });
const future = await newRoot({ name: 'future', notBefore: after(1) });
const expired = await newRoot({ name: 'expired', notAfter: new Date(NOW - 1_000) });
const stranger = await createRoot({ name: 'stranger', trustDomain: 'other.consul', notBefore: after(-1) });
const dnsName = subjectAlternativeName({ dnsNames: ['ca'] }, false) ?? assert.fail('there is no name');
const external = await createRoot({ name: 'external', notBefore: after(-2), extensions: [dnsName] });
const middle = await newest.issueIntermediate({ name: 'middle' });
const below = await (await newRoot()).issueIntermediate({ name: 'below' });
const bare = { emptyDn: true, keyIdentifiers: false };
const nameless = await (await newRoot(bare)).issueIntermediate(bare);
const web = await newLeaf(newest, { service: 'web' });

const crlf = `CN=Vault\r\n${newest.certPem.replaceAll('\n', '\r\n').trimEnd()}`;
const flagged = r(newest, { active: true });
const unreadable = { id: 'broken', active: false, certificatePem: 'no PEM at all', intermediatePems: [] };
/** The root with this for its RootCert. */
const as = (root: Authority, ...pems: readonly string[]) => ({ ...r(root), certificatePem: pems.join('') });
const listed = (activeRootId: string, ...roots: readonly ListedRoot[]): ListedRoots => ({
  trustDomain: TRUST_DOMAIN,
  activeRootId,
  roots,
});

/** The names of the anchors in order, those of the active root with a star, and of the intermediates in brackets. */
function shown({ anchors, active, intermediates }: TrustBundle): string {
  const nameOf = ({ subject }: Certificate) => subject.replace('CN=', '') || 'nameless';
  const roots = anchors.map((root) => `${nameOf(root)}${active.has(root.fingerprint) ? '*' : ''}`);
  return [...roots, ...intermediates.map((one) => `(${nameOf(one)})`)].join(' ');
}

const BUNDLES: Readonly<Record<string, readonly [ListedRoots, string, RegExp?]>> = {
  'the active root is first, then the newest': [
    listing(r(older), r(oldest), r(newest)),
    'older* newest oldest',
  ],
  'a root that is listed twice is once in it': [listing(r(newest), { ...r(newest), id: 'again' }), 'newest*'],
  'of several certificates in one RootCert the root is the anchor, and the others are intermediates': [
    listing(as(newest, middle.certPem, newest.certPem)),
    'newest* (middle)',
  ],
  'a RootCert that an external CA issued is the anchor': [listing(r(below)), 'below*'],
  'a nameless RootCert without key identifiers that is given twice is the anchor': [
    listing(as(nameless, nameless.certPem, nameless.certPem)),
    'nameless*',
  ],
  'text before a RootCert, CRLF and no final newline do not matter': [listing(as(newest, crlf)), 'newest*'],
  'the active root is that of ActiveRootID': [listed(older.serial, r(older), flagged), 'older* newest'],
  'the active root is the flagged one if no root has the ActiveRootID': [
    listed('none', r(older), flagged),
    'newest* older',
  ],
  'a single root is the active one': [listed('none', r(older)), 'older*'],
  'an expired active root leaves the others, none of them active': [
    listing(r(expired), r(older)),
    'older',
    /^root \w+ expired /,
  ],
  'an expired root is dropped': [
    listing(r(newest), r(expired)),
    'newest*',
    new RegExp(`^root ${expired.serial} expired 2030-\\S+$`),
  ],
  'an unreadable root is dropped': [listing(r(newest), unreadable), 'newest*', /^root broken [^;]+$/],
  'unreadable intermediates are dropped, even of the active root': [
    listing({ ...r(newest), intermediatePems: ['no PEM', ''] }),
    'newest*',
    /^root \w+ [^;]+;root \w+ [^;]+$/,
  ],
  'I3: the certificate of another service is left out': [
    listing(r(newest), r(web)),
    'newest*',
    new RegExp(`^root ${web.serial} is not the certificate of a CA$`),
  ],
  'I3: a root of another trust domain is left out': [
    listing(r(newest), r(stranger)),
    'newest*',
    new RegExp(`^root ${stranger.serial} is of the trust domain other\\.consul$`),
  ],
  'I3: a root that is not valid for a day is left out': [
    listing(r(newest), r(future)),
    'newest*',
    new RegExp(`^root ${future.serial} is not valid before 2030-01-16T12:00:00\\.000Z$`),
  ],
  'I3: the active root stays, whatever its trust domain: peers do not check that': [
    listing(r(stranger), r(newest)),
    'stranger* newest',
  ],
  'I3: a root of an external CA, without a SPIFFE ID, stays': [
    listing(r(newest), r(external)),
    'newest* external',
  ],
};

for (const [name, [roots, expected, dropped = /^$/]] of Object.entries(BUNDLES)) {
  test(name, () => {
    const bundle = buildTrustBundle(roots, NOW);
    assert.equal(shown(bundle), expected);
    assert.equal(bundle.pem, bundle.anchors.map(({ pem }) => pem).join(''));
    assert.match(bundle.dropped.join(';'), dropped);
  });
}

test('roots of the same age have one order, whatever the order of Consul', async () => {
  const twins = [r(await newRoot()), r(await newRoot())];
  const pems = [twins, twins.toReversed()].map(
    (others) => buildTrustBundle(listing(r(older), ...others), NOW).pem,
  );
  assert.equal(pems[0], pems[1]);
});

test('a root is dropped at its notAfter, as by OpenSSL', () => {
  const end = oldest.notAfter.getTime();
  const roots = listing(r(newest), r(oldest));
  const sizes = [end - 1, end].map((at) => buildTrustBundle(roots, at).anchors.length);
  assert.deepEqual(sizes, [2, 1]);
});

test('the trust domain is kept in lower case', () => {
  const bundle = buildTrustBundle({ ...listing(r(newest)), trustDomain: 'ABC.Consul' }, NOW);
  assert.equal(bundle.trustDomain, 'abc.consul');
});

for (const [what, roots, code] of [
  ['that is empty', [], 'NO_ROOT'],
  ['whose roots have all expired', [r(expired)], 'NO_ROOT'],
  ['of two roots, both flagged active', [{ ...r(older), active: true }, flagged], 'NO_ROOT'],
  ['of two roots, none flagged active', [r(older), r(newest)], 'NO_ROOT'],
  ['whose active root is unreadable', [{ ...unreadable, active: true }, r(newest)], 'PEM_UNREADABLE'],
] as const) {
  test(`a list of roots ${what} is refused: ${code}`, () => {
    assert.throws(() => buildTrustBundle(listed('none', ...roots), NOW), refusal(code));
  });
}

test('I3: a root joins the bundle an hour before it is valid, and replicas whose clocks differ do not undo that', () => {
  const roots = listing(r(newest), r(future));
  const without = pemsOf(newest).join('');
  const begins = future.notBefore.getTime();
  const [joins, isDue] = [begins - HOUR, begins - 0.75 * HOUR];

  const bundles = [joins - DAY, joins - 1, joins, isDue - 1, isDue, begins, begins + HOUR].map((at) =>
    buildTrustBundle(roots, at),
  );

  const sizes = bundles.map(({ anchors }) => anchors.length);
  assert.deepEqual(sizes, [1, 1, 2, 2, 2, 2, 2]);
  const changes = bundles.map(({ changesAt }) => changesAt);
  assert.deepEqual(changes, [joins, joins, isDue, isDue, ...Array(3).fill(Number.POSITIVE_INFINITY)]);
  const isLeft = bundles.map((bundle) => isSameBundle(without, bundle));
  assert.deepEqual(isLeft, [true, true, true, true, false, false, false]);
  const pemWithBoth = bundles.at(-1)?.pem ?? '';
  assert.ok(bundles.every((bundle) => isSameBundle(pemWithBoth, bundle)));
});

/** A RootCert of `count` certificates with the same name and no key identifiers. */
async function lookalikes(count: number, id = 'lookalikes'): Promise<ListedRoot> {
  const named = { name: 'Consul CA', keyIdentifiers: false } as const;
  const other = await newRoot(named);
  const made = await Promise.all(Array.from({ length: count }, () => other.issueIntermediate(named)));
  return { ...listRoot(other), id, certificatePem: pemsOf(...made).join('') };
}

test('S4: a RootCert of nine certificates is refused, one of eight is accepted', async () => {
  const [nine, eight] = await Promise.all([lookalikes(9), lookalikes(8)]);
  assert.equal(buildTrustBundle(listing(eight), NOW).anchors.length, 8);
  assert.throws(() => buildTrustBundle(listing(nine), NOW), refusal('TOO_MANY_CERTIFICATES'));
});

test('S4: RootCerts that need too many signature checks are refused, and the previous roots are used', async () => {
  const good = await newRoot();
  const [active = assert.fail('no root'), ...others] = await Promise.all(
    ['a', 'b', 'c', 'd'].map((id) => lookalikes(8, id)),
  );

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

test('S3: a list of roots may have 300 certificates, and no more', async () => {
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

test('S3: of hundreds of roots that are left out the first are reported, with their names cut', () => {
  const bad = Array.from({ length: 200 }, (_, index) => ({
    ...unreadable,
    id: `\u001b[2J${index}`.padEnd(5_000, 'x'),
  }));
  const { dropped } = buildTrustBundle(listing(listRoot(newest), ...bad), NOW);
  assert.equal(dropped.length, 21);
  assert.equal(dropped.at(-1), 'and 180 more');
  assert.match(dropped[0] ?? '', /^root \\u001b\[2J0x{80,100}… holds no PEM block$/);
});
