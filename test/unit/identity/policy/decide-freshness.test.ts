import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Published } from '../../../../src/identity/published.ts';
import { buildTrustBundle } from '../../../../src/identity/trust-bundle.ts';
import { Authority } from '../../../fixtures/certificates/authority.ts';
import { active, after, before, newOne, oldLeaf, previous, published } from '../rotation.ts';
import {
  bundleOf,
  carriedOut,
  DAY,
  decideOn,
  HOUR,
  listing,
  listRoot,
  material,
  NOW,
  newLeaf,
  newRoot,
  publishedAs,
  SECOND,
} from '../support.ts';
import { type Input, testDecisions } from './table.ts';

// When the bundle is replaced: as it changes, as another replica changed it, and while a new root waits for its leaf.

const candidate = material(oldLeaf);
const modified = { published: { ...published, caPem: 'edited' }, candidate, bundle: before };
const REPAIR = {
  writes: 'bundle',
  cause: /^repair: the trust bundle was modified or removed$/,
  caCrt: before.pem,
  tlsCrt: oldLeaf.chainPem,
} as const;

testDecisions({
  'D4: a ca.crt that holds no certificate is restored, and that is a repair': [modified, REPAIR],
  'D4: a ca.crt that is missing is restored': [
    { ...modified, published: { ...published, caPem: undefined } },
    REPAIR,
  ],
  'D4: a ca.crt with a comment in it is restored': [
    { ...modified, published: { ...published, caPem: `# edited\n${before.pem}` } },
    REPAIR,
  ],
  'D4: a ca.crt with another root than before is restored': [
    { ...modified, published: publishedAs(oldLeaf, bundleOf(active)), settledBundlePem: before.pem },
    REPAIR,
  ],
  'a missing bundle in a Secret of its own is no fault where the gateway does not verify its peers': [
    { published: { ...published, upstreamCaPem: undefined }, bundle: before },
    {},
  ],
  'such a bundle is written where the gateway verifies its peers': [
    {
      published: { ...published, upstreamCaPem: undefined },
      candidate,
      bundle: before,
      upstream: { rootsSince: NOW },
    },
    { writes: 'bundle', cause: /^repair: / },
  ],
});

test('roots alone change the bundle and leave tls.crt and tls.key byte for byte', () => {
  const oddly = {
    certificatePem: `\r\n${oldLeaf.certPem.replaceAll('\n', '\r\n')}${previous.certPem}`,
    privateKeyPem: oldLeaf.keyPem.trimEnd(),
    caPem: before.pem,
  };

  const decision = decideOn({ published: oddly, candidate, bundle: after });

  assert.deepEqual([decision.writesLeaf, decision.writesBundle], [false, true]);
  assert.deepEqual(carriedOut(decision), { ...oddly, caPem: after.pem, upstreamCaPem: after.pem });
  assert.match(decision.reason ?? '', /^roots-changed: /);
});

// Another replica has received the new root and published; this one still has the previous list.
const confirmAfter = NOW + SECOND;
const behind = { candidate, bundle: before, confirmAfter };
const held = { requeryRoots: false, recheckAt: confirmAfter };
const newRoots = publishedAs(oldLeaf, after);
const newRootsAndLeaf = publishedAs(newOne, after);
const trustDomain = '99999999-2222-3333-4444-555555555555.consul';
const restarted = await newRoot({ name: 'restarted', trustDomain });
const ofRestarted = publishedAs(
  await newLeaf(restarted),
  buildTrustBundle({ ...listing(listRoot(restarted)), trustDomain }, NOW),
);
const agedUnderNewRoots = async (hours: number) =>
  publishedAs(await newLeaf(previous, { from: NOW - hours * HOUR }), after);
const damaged = { ...newRoots, caPem: 'edited by hand', upstreamCaPem: undefined };
const leafOfNeither = publishedAs(await newLeaf(await newRoot()), bundleOf(active));

testDecisions({
  'roots of a replica with a newer list stay until Consul has confirmed its own': [
    { ...behind, published: newRoots },
    { ...held, tlsCrt: oldLeaf.chainPem, tlsKey: oldLeaf.keyPem, caCrt: after.pem },
  ],
  'roots and leaf of such a replica stay': [
    { ...behind, published: newRootsAndLeaf },
    { ...held, tlsCrt: newOne.chainPem, tlsKey: newOne.keyPem, caCrt: after.pem },
  ],
  'roots that Consul has confirmed not to list are replaced': [
    { published: newRoots, candidate, bundle: before },
    { writes: 'bundle', requeryRoots: false, tlsCrt: oldLeaf.chainPem, caCrt: before.pem },
  ],
  'roots that Consul has confirmed not to list are replaced, with their leaf': [
    { published: newRootsAndLeaf, candidate, bundle: before },
    { writes: 'leaf, bundle', requeryRoots: false, tlsCrt: oldLeaf.chainPem, caCrt: before.pem },
  ],
  'the roots are queried when the time has come, and every 30 s until Consul answers': [
    { published: newRootsAndLeaf, bundle: before, confirmAfter, at: confirmAfter },
    { requeryRoots: true, recheckAt: confirmAfter + 30 * SECOND },
  ],
  'F1: of two Secrets that another replica is writing, neither is touched': [
    {
      ...behind,
      published: { ...published, upstreamCaPem: after.pem },
      upstream: { rootsSince: NOW - HOUR },
    },
    { upstreamCaCrt: after.pem },
  ],
  'F1: a root that another replica removed is not restored': [{ ...behind, published, bundle: after }, {}],
  'F10: roots that another replica published before it had a leaf of them stay': [
    { ...behind, published: publishedAs(oldLeaf, bundleOf(active)) },
    {},
  ],
  'F10: a bundle that was published before any leaf of it stays, even beside an invalid leaf': [
    { ...behind, published: leafOfNeither, isBehind: true },
    { violation: 'invalid' },
  ],
  'a new CA of Consul that another replica found first is not undone': [
    { ...behind, published: ofRestarted },
    { violation: 'wrong-identity', tlsCrt: undefined },
  ],
  'once Consul has confirmed the former CA, that is published': [
    { published: ofRestarted, candidate, bundle: before },
    { writes: 'leaf, bundle', cause: /^wrong-identity: / },
  ],
  'before the confirmation a missing leaf is published as ever': [
    { ...behind, published: undefined },
    { writes: 'leaf, bundle', tlsCrt: oldLeaf.chainPem },
  ],
  'before the confirmation a damaged leaf is replaced as ever': [
    { ...behind, published: { ...newRoots, privateKeyPem: '' } },
    { writes: 'leaf, bundle', tlsCrt: oldLeaf.chainPem },
  ],
  'before the confirmation a leaf with 10 % of its lifetime left stays, with the published roots': [
    { ...behind, published: await agedUnderNewRoots(90) },
    { violation: 'renewal-due', caCrt: after.pem },
  ],
  'before the confirmation a leaf with less is replaced below the published roots': [
    { ...behind, published: await agedUnderNewRoots(91) },
    { writes: 'leaf', caCrt: after.pem },
  ],
  'a bundle that was replaced by what is no root waits for no confirmation': [
    { ...behind, published: { ...published, caPem: 'edited by hand' } },
    REPAIR,
  ],
  'what is damaged is restored': [{ ...behind, published: damaged, isBehind: false }, REPAIR],
  'what is damaged is left to a replica with newer roots': [
    { ...behind, published: damaged, isBehind: true },
    {},
  ],
});

for (const [what, minutes, writes] of [
  ['has just expired', -10, false],
  ['is about to expire', 10, false],
  ['expires in half an hour', 30, true],
] as const) {
  test(`F5: whether a listed root is published that ${what} does ${writes ? '' : 'not '}matter`, async () => {
    const ending = await newRoot({ notAfter: new Date(NOW + minutes * 60 * SECOND) });
    const bundle = buildTrustBundle(listing(listRoot(previous), listRoot(ending)), NOW);
    const decisions = [before.pem, before.pem + ending.certPem].map(
      (caPem) => decideOn({ published: { ...published, caPem }, bundle }).writesBundle,
    );
    assert.deepEqual(decisions, [writes, false]);
  });
}

// A rotation in which the previous root cross-signed the new one, and the gateway verifies its peers.
const rotation = await rotated(previous);
const upstream = { rootsSince: NOW };
const until = NOW + 60 * SECOND;
const rotating = { published, candidate, bundle: rotation, upstream };

/** The bundle after the active root took over from `from`, which cross-signed it unless `by` did. */
async function rotated(from: Authority, by = from, validity = {}) {
  const intermediates = [by.crossSign(active, validity)];
  return buildTrustBundle(listing(listRoot(active, { intermediates }), listRoot(from)), NOW);
}

testDecisions({
  'a new root that is cross-signed by a published one waits for the new leaf, for 60 s': [
    rotating,
    { violation: 'inactive-root', caCrt: before.pem, deferredUntil: until, recheckAt: NOW + 30 * SECOND },
  ],
  'the new leaf brings the roots that waited with it, in one write': [
    { ...rotating, candidate: material(newOne) },
    { writes: 'leaf, bundle', caCrt: rotation.pem },
  ],
  'after the new leaf nothing more is written': [
    { ...rotating, published: publishedAs(newOne, rotation), candidate: material(newOne) },
    {},
  ],
  'up to 60 s the new root waits': [
    { ...rotating, at: until - 1 },
    { violation: 'inactive-root', deferredUntil: until },
  ],
  'a cross-signed certificate that lasts longer than the wait is good enough': [
    { ...rotating, bundle: await rotated(previous, previous, { notAfter: new Date(until + SECOND) }) },
    { violation: 'inactive-root', deferredUntil: until },
  ],
});

/** A published leaf of a root that takes part in the rotation. */
async function rotatingFrom(root: Authority): Promise<Partial<Input>> {
  return { published: publishedAs(await newLeaf(root), bundleOf(root)), bundle: await rotated(root) };
}

async function withCross(cross: { certPem: string }, ...others: Authority[]) {
  const listed = [previous, ...others].map((root) => listRoot(root));
  return buildTrustBundle(listing(listRoot(active, { intermediates: [cross] }), ...listed), NOW);
}

const expired = { notBefore: new Date(NOW - 2 * DAY), notAfter: new Date(NOW - DAY) };
const { keys, keyId } = active;
const renamed = new Authority({ ...active, name: 'renamed', keys, keyId, certificate: active, chainPem: '' });
const spoilt = (changes: Partial<Published>): Partial<Input> => ({ published: { ...published, ...changes } });

const WRITTEN_AT_ONCE: Readonly<Record<string, Partial<Input>>> = {
  'after 60 s': { at: until },
  'where the gateway does not verify its peers: that costs no reload': { upstream: undefined },
  'without cross-signing: peers of the new root could not be verified': { bundle: after },
  'cross-signed by a root that is not published': { bundle: await rotated(previous, await newRoot()) },
  'where the cross-signed certificate has expired': { bundle: await rotated(previous, previous, expired) },
  'where the cross-signed certificate expires during the wait': {
    bundle: await rotated(previous, previous, { notAfter: new Date(until) }),
  },
  'where the published root expires during the wait': await rotatingFrom(
    await newRoot({ notAfter: new Date(NOW + 30 * SECOND) }),
  ),
  'where the published root allows no intermediate below it': await rotatingFrom(
    await newRoot({ pathLength: 0 }),
  ),
  'beside another new one that is not cross-signed': {
    bundle: await withCross(previous.crossSign(active), await newRoot()),
  },
  'where the certificate of its key is no CA': {
    bundle: await withCross(await newLeaf(previous, { keys, service: 'active' })),
  },
  'where the certificate of its key has another name': {
    bundle: await withCross(previous.crossSign(renamed)),
  },
  'where a published bundle is missing': spoilt({ upstreamCaPem: undefined }),
  'where a published bundle holds no certificate': spoilt({ upstreamCaPem: 'x' }),
  'where a published bundle differs from ca.crt': spoilt({ upstreamCaPem: after.pem }),
  'where ca.crt has it already': spoilt({ caPem: after.pem }),
  'where both published bundles hold no certificate': spoilt({ caPem: 'x', upstreamCaPem: 'x' }),
  'where a root leaves the list: no new leaf will follow': {
    published: publishedAs(newOne, rotation),
    candidate: material(newOne),
    bundle: bundleOf(active),
  },
};

for (const [when, changes] of Object.entries(WRITTEN_AT_ONCE)) {
  test(`a new list of roots is written at once ${when}`, () => {
    const input = { ...rotating, ...changes };
    const { writesBundle, deferredUntil, content } = decideOn(input);
    assert.deepEqual([writesBundle, deferredUntil], [true, undefined]);
    assert.equal(content?.caCrt, input.bundle.pem);
  });
}
