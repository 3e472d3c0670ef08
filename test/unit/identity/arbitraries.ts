import fc from 'fast-check';
import { IdentityError } from '../../../src/errors.ts';
import type { CertificateAndKey } from '../../../src/identity/identity.ts';
import type { DecisionInput } from '../../../src/identity/policy/decision.ts';
import { buildTrustBundle, type ListedRoots, type TrustBundle } from '../../../src/identity/trust-bundle.ts';
import type { Authority, IssuedLeaf } from '../../fixtures/certificates/factory.ts';
import { readAll } from '../../simulation/witness.ts';
import {
  crossSigned,
  intermediates,
  oddLeaves,
  oddRoots,
  otherLeaves,
  soundLeaves,
  soundRoots,
} from './pool.ts';
import { HOUR, listing, listRoot, NOW, SECOND, SERVICE } from './support.ts';

/** A situation, and the roots that Consul listed in it. */
export interface Listed {
  readonly situation: DecisionInput;
  readonly listed: ListedRoots;
}

interface Pool {
  readonly roots: readonly Authority[];
  readonly leaves: readonly IssuedLeaf[];
}

// The first two roots and their leaves are chosen more often, so that many leaves are of a listed root.
const often = soundRoots.slice(0, 2);
const sound: Pool = {
  roots: [...soundRoots, ...often, ...often],
  leaves: [...soundLeaves, ...soundLeaves.slice(0, 8), ...soundLeaves.slice(0, 8), ...soundLeaves.slice(-2)],
};
const odd: Pool = {
  roots: [...sound.roots, ...oddRoots],
  leaves: [...oddLeaves, ...oddLeaves, ...soundLeaves.slice(0, 8)],
};

const strays = [...intermediates, ...soundRoots].map(({ certPem }) => certPem);
const pems = fc
  .array(fc.constantFrom(...strays, ...strays, 'no PEM', ''), { maxLength: 4 })
  .map((parts) => parts.join(''));
const keys = [...soundLeaves.slice(0, 4).map(({ keyPem }) => keyPem), '', 'no key'];

function mostly<T, U>(usual: fc.Arbitrary<T>, rare: fc.Arbitrary<U>, weight = 12) {
  return fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: rare });
}

/** Mostly a leaf as Consul sends it, sometimes with strays, cut, or with the wrong key. */
function materials({ leaves }: Pool): fc.Arbitrary<CertificateAndKey> {
  return fc
    .record({
      leaf: mostly(fc.constantFrom(...leaves), fc.constantFrom(...otherLeaves)),
      whole: fc.boolean(),
      before: mostly(fc.constant(''), pems, 5),
      after: pems,
      otherKey: mostly(fc.constant(undefined), fc.constantFrom(...keys)),
    })
    .map(({ leaf, whole, before, after, otherKey }) => ({
      certificatePem: before + (whole ? leaf.chainPem : leaf.certPem) + after,
      privateKeyPem: otherKey ?? leaf.keyPem,
    }));
}

/** The first root is the active one, each listed with intermediates of any kind; in any order, some of them twice. */
function listings({ roots }: Pool): fc.Arbitrary<ListedRoots> {
  return fc
    .record({
      chosen: fc.uniqueArray(fc.constantFrom(...roots), { minLength: 1, maxLength: 3 }),
      extra: fc.array(fc.constantFrom(...intermediates), { maxLength: 4 }),
      reversed: fc.boolean(),
    })
    .map(({ chosen, extra, reversed }) => {
      const [active, ...others] = chosen;
      if (active === undefined) throw new Error('a root was expected');
      const withExtra = listRoot(active, { intermediates: extra });
      const listed = listing(withExtra, ...others.map((root) => listRoot(root)));
      return reversed ? { ...listed, roots: listed.roots.toReversed() } : listed;
    });
}

/** Whole hours, at which the lifetimes begin and end, and the moments around them. */
const times = fc
  .tuple(
    fc.oneof(fc.constantFrom(-1, 0, 30, 50, 100, 220), fc.integer({ min: 0, max: 100 })),
    fc.oneof(fc.constantFrom(0, -1, 1, 999, 1_000), fc.integer({ min: -60_000, max: 60_000 })),
  )
  .map(([hours, ms]) => NOW + hours * HOUR + ms);

function situationsOf(pool: Pool): fc.Arbitrary<Listed> {
  return fc
    .record({
      published: fc.option(materials(pool), { nil: undefined, freq: 5 }),
      before: fc.option(fc.subarray([...soundRoots.slice(0, 3)]), { nil: undefined, freq: 5 }),
      candidate: fc.option(materials(pool), { nil: undefined, freq: 5 }),
      listed: listings(pool),
      at: times,
      heldFor: fc.option(fc.integer({ min: 0, max: 70 * SECOND }), { nil: undefined, freq: 2 }),
      namespace: fc.constantFrom(undefined, 'default', 'team'),
    })
    .map(({ published, before, candidate, listed, at, heldFor, namespace }) => {
      const bundle = tryBundle(listed, at);
      const caPem = before?.map(({ certPem }) => certPem).join('');
      return (
        bundle &&
        shown(listed, {
          published: published && { ...published, caPem, upstreamCaPem: caPem },
          candidate,
          service: SERVICE,
          scope: { namespace, partition: undefined, datacenter: undefined },
          bundle,
          at,
          upstream: heldFor === undefined ? undefined : { rootsSince: at - heldFor },
        })
      );
    })
    .filter((made) => made !== undefined);
}

export const situations = situationsOf(sound);
/** With certificates that Consul does not make and OpenSSL refuses. */
export const oddSituations = situationsOf(odd);

/** A working leaf of one root is published with its bundle, and Consul has just made another root active. */
export const rotations: fc.Arbitrary<Listed> = fc
  .record({
    // The roots that cross-signed others, and that were.
    old: fc.constantFrom(...soundRoots.slice(0, 4)),
    others: fc.subarray([...soundRoots], { maxLength: 1 }),
    active: fc.constantFrom(...soundRoots.slice(0, 3)),
    crosses: fc.subarray([...crossSigned], { minLength: 1, maxLength: 3 }),
    at: fc.oneof(
      fc.integer({ min: 0, max: 60 * SECOND }).map((ms) => NOW + ms),
      fc.integer({ min: -90 * SECOND, max: 0 }).map((ms) => NOW + 50 * HOUR + ms),
    ),
    listedFor: fc.integer({ min: 0, max: 59 * SECOND }),
  })
  .map(({ old, others, active, crosses, at, listedFor }) => {
    const before = tryBundle(listing(listRoot(old), ...others.map((root) => listRoot(root))), at);
    const rest = [...new Set([old, ...others])]
      .filter((root) => root !== active)
      .map((root) => listRoot(root));
    const listed = listing(listRoot(active, { intermediates: crosses }), ...rest);
    const bundle = tryBundle(listed, at);
    const leaf = soundLeaves[4 * soundRoots.indexOf(old)];
    if (before === undefined || bundle === undefined || leaf === undefined || active === old)
      return undefined;
    const published = { certificatePem: leaf.chainPem, privateKeyPem: leaf.keyPem };
    return shown(listed, {
      published: { ...published, caPem: before.pem, upstreamCaPem: before.pem },
      candidate: undefined,
      service: SERVICE,
      bundle,
      at,
      upstream: { rootsSince: at - listedFor },
    });
  })
  .filter((made) => made !== undefined);

export function tryBundle(listed: ListedRoots, at: number): TrustBundle | undefined {
  try {
    return buildTrustBundle(listed, at);
  } catch (error) {
    if (error instanceof IdentityError) return undefined;
    throw error;
  }
}

/** A counter-example shows whose certificates they are, not their PEM and keys. */
function shown(listed: ListedRoots, situation: DecisionInput): Listed {
  const input = { listed, ...situation, bundle: undefined, sinceNowMs: situation.at - NOW };
  const show = () =>
    JSON.stringify(input, (_key, value: unknown) =>
      typeof value === 'string' && value.includes('-----') ? namesIn(value) : value,
    );
  return Object.assign({ listed, situation }, { [fc.toStringMethod]: show });
}

function namesIn(pem: string): string[] {
  return readAll(pem).map(
    ({ subject, issuer, validTo }) => `${subject ?? 'no name'} of ${issuer ?? 'no name'} until ${validTo}`,
  );
}
