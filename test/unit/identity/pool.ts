import {
  type Authority,
  basicConstraints,
  createRoot,
  extendedKeyUsage,
  type IssuedLeaf,
  keyUsage,
  nameConstraints,
  unknownExtension,
} from '../../fixtures/certificates/factory.ts';
import { HOUR, LIFETIME, NOW, newLeaf, newRoot, SECOND, SERVICE, TRUST_DOMAIN } from './support.ts';

// Issued once for a file of tests and combined at random.

const unknownAndCritical = [unknownExtension({ critical: true })];
const serversOnly = [extendedKeyUsage('serverAuth')];
const until = (ms: number) => ({ notAfter: new Date(NOW + ms) });

const one = await newRoot({ name: 'one' });
const two = await newRoot({ name: 'two' });
const expiring = await newRoot({ name: 'expiring', ...until(50 * HOUR) });
const shallow = await newRoot({ name: 'shallow', pathLength: 0 });
const nameless = await newRoot({ emptyDn: true });
const unidentified = await newRoot({ name: 'unidentified', keyIdentifiers: false });
const stranger = await createRoot({ name: 'stranger', notBefore: new Date(NOW - 1_000 * HOUR) });

const middle = await one.issueIntermediate({ name: 'middle' });
const brief = await two.issueIntermediate({ name: 'brief', ...until(30 * HOUR) });
const lowest = await one.issueIntermediate({ name: 'lowest', pathLength: 0 });
const tooLow = await lowest.issueIntermediate({ name: 'too low' });
const namelessMiddle = await nameless.issueIntermediate({ emptyDn: true });

/** Roots as Consul or Vault may list them. */
export const soundRoots: readonly Authority[] = [one, two, expiring, shallow, nameless, unidentified];

/** What one root signed of another, and what looks like that and is not. */
export const crossSigned: readonly { readonly certPem: string }[] = [
  one.crossSign(two),
  two.crossSign(one),
  expiring.crossSign(two),
  shallow.crossSign(two),
  one.crossSign(two, until(20 * SECOND)),
  one.crossSign(expiring),
  stranger.crossSign(two),
  two.crossSign(middle),
  // The key of a root in a certificate that may sign nothing, or under another name.
  await newLeaf(one, { keys: two.keys }),
  await newLeaf(one, { keys: two.keys, service: 'two', keyIdentifiers: false }),
];

const authorities = [...soundRoots, middle, brief, lowest, tooLow, namelessMiddle];
export const intermediates: readonly { readonly certPem: string }[] = [
  ...authorities.slice(soundRoots.length),
  ...crossSigned,
];

const ofTheTeam = { uris: [`spiffe://${TRUST_DOMAIN}/ns/team/dc/dc1/svc/${SERVICE}`] };

/** Four of each authority, in their order, and then those of another namespace. */
export const soundLeaves: readonly IssuedLeaf[] = (
  await Promise.all(
    authorities.map(async (authority) => [
      await newLeaf(authority),
      await newLeaf(authority, { from: NOW - 70 * HOUR }),
      await newLeaf(authority, { from: NOW + 20 * HOUR, lasts: 2 * LIFETIME }),
      await newLeaf(authority, { emptyDn: true }),
    ]),
  )
)
  .flat()
  .concat(await newLeaf(one, ofTheTeam), await newLeaf(two, ofTheTeam));

export const otherLeaves: readonly IssuedLeaf[] = [
  await newLeaf(one, { service: 'web' }),
  await newLeaf(two, { trustDomain: 'other.consul' }),
  await newLeaf(stranger),
];

// What OpenSSL refuses for a reason of its own.
const noCa = basicConstraints(false);
const signsAll = keyUsage('keyCertSign', 'digitalSignature');
const notCa = await newRoot({ name: 'not a CA', extensions: [noCa, signsAll] });
const serving = await newRoot({ name: 'serving', extensions: serversOnly });
const servingMiddle = await one.issueIntermediate({ name: 'serving middle', extensions: serversOnly });
const criticalMiddle = await one.issueIntermediate({ name: 'critical', extensions: unknownAndCritical });
const critical = await newRoot({ name: 'critical root', extensions: unknownAndCritical });
const blank = await nameless.issueIntermediate({ emptyDn: true, keyIdentifiers: false });

const weak = await newRoot({ name: 'weak', keyType: 'rsa-1024' });
const weaklySigned = await newRoot({ name: 'weakly signed', hash: 'sha1' });
const weakMiddle = await one.issueIntermediate({ name: 'weak middle', keyType: 'rsa-1024' });
const weaklySignedMiddle = await one.issueIntermediate({ name: 'weakly signed middle', hash: 'sha1' });
const excludes = [nameConstraints({ excluded: [TRUST_DOMAIN] })];
const permitsOthers = [nameConstraints({ permitted: ['consul'] })];
const constrained = await newRoot({
  name: 'constrained',
  extensions: [nameConstraints({ permitted: [TRUST_DOMAIN] })],
});
const excluding = await newRoot({ name: 'excluding', extensions: excludes });
const elsewhere = await one.issueIntermediate({ name: 'permits others', extensions: permitsOthers });
const later = await newRoot({ name: 'later', notBefore: new Date(NOW + 40 * HOUR) });
const foreign = await createRoot({ name: 'foreign', notBefore: new Date(NOW - 1_000 * HOUR) });

export const oddRoots: readonly Authority[] = [
  notCa,
  serving,
  critical,
  weak,
  weaklySigned,
  constrained,
  excluding,
  later,
  foreign,
];
export const oddLeaves: readonly IssuedLeaf[] = [
  ...(await Promise.all(
    [...oddRoots, servingMiddle, criticalMiddle, blank, weakMiddle, weaklySignedMiddle, elsewhere].map(
      (authority) => newLeaf(authority),
    ),
  )),
  await newLeaf(one, { extensions: unknownAndCritical }),
  await newLeaf(one, { keyType: 'rsa-1024' }),
  await newLeaf(one, { hash: 'sha1' }),
  await newLeaf(one, { extensions: serversOnly }),
  await newLeaf(one, { extensions: [keyUsage('keyEncipherment')] }),
  await newLeaf(one, { extensions: [keyUsage('keyAgreement')] }),
  await newLeaf(blank, { emptyDn: true, keyIdentifiers: false }),
  await newLeaf(nameless, { emptyDn: true, keyIdentifiers: false }),
];

/** What other peers of the mesh present: leaves of each root, and of an intermediate below it. */
export const meshLeaves: readonly { readonly leaf: IssuedLeaf; readonly root: Authority }[] = (
  await Promise.all(
    soundRoots.map(async (root) => {
      const below = await root.issueIntermediate({ name: `below ${root.name}` });
      const leaves = [await newLeaf(root, { service: 'web' }), await newLeaf(below, { service: 'web' })];
      return leaves.map((leaf) => ({ leaf, root }));
    }),
  )
).flat();
