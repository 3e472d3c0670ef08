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

// Issued once per test file and combined at random.

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

/** Cross-signed certificates, and others that only look like them. */
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

const noCa = [basicConstraints(false), keyUsage('keyCertSign', 'digitalSignature')];
const permits = [nameConstraints({ permitted: [TRUST_DOMAIN] })];
const excludes = [nameConstraints({ excluded: [TRUST_DOMAIN] })];
const permitsOthers = [nameConstraints({ permitted: ['consul'] })];

/** Roots that OpenSSL rejects, or that do not fit the others. */
export const oddRoots: readonly Authority[] = [
  await newRoot({ name: 'not a CA', extensions: noCa }),
  await newRoot({ name: 'serving', extensions: serversOnly }),
  await newRoot({ name: 'critical root', extensions: unknownAndCritical }),
  await newRoot({ name: 'weak', keyType: 'rsa-1024' }),
  await newRoot({ name: 'weakly signed', hash: 'sha1' }),
  await newRoot({ name: 'constrained', extensions: permits }),
  await newRoot({ name: 'excluding', extensions: excludes }),
  await newRoot({ name: 'later', notBefore: new Date(NOW + 40 * HOUR) }),
  await createRoot({ name: 'foreign', notBefore: new Date(NOW - 1_000 * HOUR) }),
];
const blank = await nameless.issueIntermediate({ emptyDn: true, keyIdentifiers: false });
const oddIntermediates = [
  await one.issueIntermediate({ name: 'serving middle', extensions: serversOnly }),
  await one.issueIntermediate({ name: 'critical', extensions: unknownAndCritical }),
  await one.issueIntermediate({ name: 'weak middle', keyType: 'rsa-1024' }),
  await one.issueIntermediate({ name: 'weakly signed middle', hash: 'sha1' }),
  await one.issueIntermediate({ name: 'permits others', extensions: permitsOthers }),
  blank,
];
export const oddLeaves: readonly IssuedLeaf[] = [
  ...(await Promise.all([...oddRoots, ...oddIntermediates].map((authority) => newLeaf(authority)))),
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
