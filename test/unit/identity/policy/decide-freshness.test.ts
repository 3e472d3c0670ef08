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
const usual = { published, candidate, bundle: before };
const withoutUpstream = { ...published, upstreamCaPem: undefined };
const REPAIR = {
  writes: 'bundle',
  cause: /^repair: the trust bundle was modified or removed$/,
  caCrt: before.pem,
  tlsCrt: oldLeaf.chainPem,
} as const;

testDecisions(usual, {
  'D4: a ca.crt without a certificate is restored, as a repair': [
    { published: { ...published, caPem: 'edited' } },
    REPAIR,
  ],
  'D4: a missing ca.crt is restored': [{ published: { ...published, caPem: undefined } }, REPAIR],
  'D4: a ca.crt with a comment in it is restored': [
    { published: { ...published, caPem: `# edited\n${before.pem}` } },
    REPAIR,
  ],
  'D4: a ca.crt with another root than before is restored': [
    { published: publishedAs(oldLeaf, bundleOf(active)), settledBundlePem: before.pem },
    REPAIR,
  ],
  'a missing bundle in a separate Secret is no fault if the gateway does not verify its peers': [
    { published: withoutUpstream, candidate: undefined },
    {},
  ],
  'such a bundle is written if the gateway verifies its peers': [
    { published: withoutUpstream, upstream: { rootsSince: NOW } },
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
const behind = { ...usual, confirmAfter };
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

testDecisions(behind, {
  'roots of a replica with a newer list stay until Consul has confirmed its own': [
    { published: newRoots },
    { ...held, tlsCrt: oldLeaf.chainPem, tlsKey: oldLeaf.keyPem, caCrt: after.pem },
  ],
  'roots and leaf of such a replica stay': [
    { published: newRootsAndLeaf },
    { ...held, tlsCrt: newOne.chainPem, tlsKey: newOne.keyPem, caCrt: after.pem },
  ],
  'roots that Consul has confirmed not to list are replaced': [
    { published: newRoots, confirmAfter: undefined },
    { writes: 'bundle', requeryRoots: false, tlsCrt: oldLeaf.chainPem, caCrt: before.pem },
  ],
  'roots that Consul has confirmed not to list are replaced, with their leaf': [
    { published: newRootsAndLeaf, confirmAfter: undefined },
    { writes: 'leaf, bundle', requeryRoots: false, tlsCrt: oldLeaf.chainPem, caCrt: before.pem },
  ],
  'the roots are queried at that time, and every 30 s until Consul answers': [
    { published: newRootsAndLeaf, candidate: undefined, at: confirmAfter },
    { requeryRoots: true, recheckAt: confirmAfter + 30 * SECOND },
  ],
  'F1: of two Secrets that another replica is writing, neither is modified': [
    { published: { ...published, upstreamCaPem: after.pem }, upstream: { rootsSince: NOW - HOUR } },
    { upstreamCaCrt: after.pem },
  ],
  'F1: a root that another replica removed is not restored': [{ bundle: after }, {}],
  'F10: roots that another replica published before it had a leaf of them stay': [
    { published: publishedAs(oldLeaf, bundleOf(active)) },
    {},
  ],
  'F10: a bundle that was published before any leaf of it stays, even beside an invalid leaf': [
    { published: leafOfNeither, isBehind: true },
    { violation: 'invalid' },
  ],
  'a new CA of Consul that another replica found first is not reverted': [
    { published: ofRestarted },
    { violation: 'wrong-identity', tlsCrt: undefined },
  ],
  'once Consul has confirmed the former CA, that is published': [
    { published: ofRestarted, confirmAfter: undefined },
    { writes: 'leaf, bundle', cause: /^wrong-identity: / },
  ],
  'before the confirmation a missing leaf is published': [
    { published: undefined },
    { writes: 'leaf, bundle', tlsCrt: oldLeaf.chainPem },
  ],
  'before the confirmation a damaged leaf is replaced': [
    { published: { ...newRoots, privateKeyPem: '' } },
    { writes: 'leaf, bundle', tlsCrt: oldLeaf.chainPem },
  ],
  'before the confirmation a leaf with 10 % of its lifetime left stays, with the published roots': [
    { published: await agedUnderNewRoots(90) },
    { violation: 'renewal-due', caCrt: after.pem },
  ],
  'before the confirmation a leaf with less is replaced below the published roots': [
    { published: await agedUnderNewRoots(91) },
    { writes: 'leaf', caCrt: after.pem },
  ],
  'a bundle that was replaced by something other than roots waits for no confirmation': [
    { published: { ...published, caPem: 'edited by hand' } },
    REPAIR,
  ],
  'a damaged bundle is restored': [{ published: damaged, isBehind: false }, REPAIR],
  'a damaged bundle is left to a replica with newer roots': [{ published: damaged, isBehind: true }, {}],
});

for (const [what, minutes, writes] of [
  ['has just expired triggers no write', -10, false],
  ['is about to expire triggers no write', 10, false],
  ['expires in half an hour triggers a write', 30, true],
] as const) {
  test(`F5: a missing root that ${what}`, async () => {
    const ending = await newRoot({ notAfter: new Date(NOW + minutes * 60 * SECOND) });
    const bundle = buildTrustBundle(listing(listRoot(previous), listRoot(ending)), NOW);
    const decisions = [before.pem, before.pem + ending.certPem].map(
      (caPem) => decideOn({ published: { ...published, caPem }, bundle }).writesBundle,
    );
    assert.deepEqual(decisions, [writes, false]);
  });
}

/** The bundle once `active` is the active root, with this certificate of its key; `others` are the roots before it. */
function rotatedBy(cross: { certPem: string }, ...others: readonly Authority[]) {
  const intermediates = [cross];
  const listed = others.map((root) => listRoot(root));
  return buildTrustBundle(listing(listRoot(active, { intermediates }), ...listed), NOW);
}

// A rotation in which the previous root cross-signed the new one, and the gateway verifies its peers.
const rotation = rotatedBy(previous.crossSign(active), previous);
const until = NOW + 60 * SECOND;
const rotating = { published, candidate, bundle: rotation, upstream: { rootsSince: NOW } };

testDecisions(rotating, {
  'a new root that is cross-signed by a published one waits for the new leaf, for 60 s': [
    {},
    { violation: 'inactive-root', caCrt: before.pem, deferredUntil: until, recheckAt: NOW + 30 * SECOND },
  ],
  'the new leaf and the deferred roots are one write': [
    { candidate: material(newOne) },
    { writes: 'leaf, bundle', caCrt: rotation.pem },
  ],
  'after the new leaf nothing more is written': [
    { published: publishedAs(newOne, rotation), candidate: material(newOne) },
    {},
  ],
  'a new root waits until the last moment of the 60 s': [
    { at: until - 1 },
    { violation: 'inactive-root', deferredUntil: until },
  ],
  'a new root waits if its cross-signed certificate outlasts the wait': [
    { bundle: rotatedBy(previous.crossSign(active, { notAfter: new Date(until + SECOND) }), previous) },
    { violation: 'inactive-root', deferredUntil: until },
  ],
});

/** The input once `active` took over from `root`. */
async function rotatingFrom(root: Authority): Promise<Partial<Input>> {
  const bundle = rotatedBy(root.crossSign(active), root);
  return { published: publishedAs(await newLeaf(root), bundleOf(root)), bundle };
}

const crossed = (cross: { certPem: string }, ...others: readonly Authority[]): Partial<Input> => ({
  bundle: rotatedBy(cross, previous, ...others),
});
const spoilt = (changes: Partial<Published>): Partial<Input> => ({ published: { ...published, ...changes } });
const expired = { notBefore: new Date(NOW - 2 * DAY), notAfter: new Date(NOW - DAY) };
const { keys, keyId } = active;
const renamed = new Authority({ ...active, name: 'renamed', keys, keyId, certificate: active, chainPem: '' });

const WRITTEN_AT_ONCE: Readonly<Record<string, Partial<Input>>> = {
  'after 60 s': { at: until },
  'if the gateway does not verify its peers: that needs no reload': { upstream: undefined },
  'without cross-signing: peers of the new root could not be verified': { bundle: after },
  'if it is cross-signed by a root that is not published': crossed((await newRoot()).crossSign(active)),
  'if the cross-signed certificate has expired': crossed(previous.crossSign(active, expired)),
  'if the cross-signed certificate expires during the wait': crossed(
    previous.crossSign(active, { notAfter: new Date(until) }),
  ),
  'if the published root expires during the wait': await rotatingFrom(
    await newRoot({ notAfter: new Date(NOW + 30 * SECOND) }),
  ),
  'if the published root allows no intermediate below it': await rotatingFrom(
    await newRoot({ pathLength: 0 }),
  ),
  'beside another new one that is not cross-signed': crossed(previous.crossSign(active), await newRoot()),
  'if the certificate of its key is no CA': crossed(await newLeaf(previous, { keys, service: 'active' })),
  'if the certificate of its key has another name': crossed(previous.crossSign(renamed)),
  'if a published bundle is missing': spoilt({ upstreamCaPem: undefined }),
  'if a published bundle holds no certificate': spoilt({ upstreamCaPem: 'x' }),
  'if a published bundle differs from ca.crt': spoilt({ upstreamCaPem: after.pem }),
  'if ca.crt has it already': spoilt({ caPem: after.pem }),
  'if neither published bundle holds a certificate': spoilt({ caPem: 'x', upstreamCaPem: 'x' }),
  'if a root leaves the list: no new leaf will follow': {
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
