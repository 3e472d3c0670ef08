import { IdentityError } from '../errors.ts';
import { lifetimeLeft } from './certificate.ts';
import { holdUntil } from './hold.ts';
import { type Identity, type LeafMaterial, verifyIdentity, verifyServed } from './identity.ts';
import type { TrustBundle } from './trust-bundle.ts';

/** What the place of publication holds now. */
export interface Published extends LeafMaterial {
  readonly caPem: string | undefined;
  /** The bundle a gateway verifies its peers by, in a place of its own; only where that is asked for. */
  readonly upstreamCaPem?: string | undefined;
}

/** The counts on which a published leaf can be condemned, the gravest first. */
export const COUNTS = ['missing', 'unpublishable', 'other-identity', 'inactive-root', 'ageing'] as const;
export type Count = (typeof COUNTS)[number];

export interface Condemnation {
  readonly count: Count;
  readonly detail: string;
}

/** What the Secret is to hold, each part as text. */
export interface Content {
  readonly identity: Identity;
  readonly tlsCrt: string;
  readonly tlsKey: string;
  readonly caCrt: string;
}

export interface Decision {
  /** Undefined: nothing that works exists, so whatever is published stays as it is. */
  readonly content: Content | undefined;
  readonly writesLeaf: boolean;
  readonly writesBundle: boolean;
  /** Why something is written, in one word for metrics; undefined where nothing is. */
  readonly cause: Count | 'roots' | undefined;
  /** Why, for the log line, the annotation and the event. */
  readonly reason: string;
  /** What still condemns the published leaf after this decision. */
  readonly condemned: Condemnation | undefined;
  /** Why Consul's leaf must not be published, if so. */
  readonly refused: IdentityError | undefined;
  /** Until when new roots wait for the new leaf, in milliseconds since the epoch; undefined where none wait. */
  readonly heldUntil: number | undefined;
  /** When time alone may change the decision, in milliseconds since the epoch. */
  readonly recheckAt: number;
}

/** What a decision is made from: everything read, and the time. */
export interface Situation {
  readonly published: Published | undefined;
  readonly candidate: LeafMaterial | undefined;
  readonly service: string;
  readonly bundle: TrustBundle;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Set where the gateway verifies its peers by the bundle: then a change of it, too, reloads the gateway. */
  readonly upstream?: UpstreamVerification | undefined;
}

export interface UpstreamVerification {
  /** When Consul was first heard to list these roots, in milliseconds since the epoch. */
  readonly rootsSince: number;
}

/** Below this share of its lifetime a leaf is replaced; Consul renews at 60 to 90 % of the lifetime, so normally first. */
export const REPLACE_BELOW = 0.4;
const RECHECK_CONDEMNED_MS = 30_000;
const LONGEST_RECHECK_MS = 86_400_000;

/**
 * Rule 2, write as seldom as possible: the leaf is replaced only where it is condemned on some count and the candidate
 * is better on that very count. A change of roots alone replaces the bundle and keeps leaf and key byte for byte.
 * Pure: the same situation gives the same decision, and deciding again on its result decides to write nothing.
 */
export function decide(situation: Situation): Decision {
  const { published, bundle, at } = situation;
  const current = assess(published, situation, verifyServed);
  const candidate = assess(situation.candidate, situation, verifyIdentity);
  const condemnations = condemn(current, situation);
  const [condemned] = condemnations;
  const refused = candidate instanceof IdentityError ? candidate : undefined;
  const usable = candidate instanceof IdentityError ? undefined : candidate;
  const isBundleNew = !isBundlePublished(situation);

  const cured = condemnations.find(({ count }) => usable !== undefined && cures(usable, current, count, at));
  if (usable !== undefined && cured !== undefined) {
    const [after] = condemn(usable, situation);
    return {
      content: { identity: usable, tlsCrt: usable.tlsCrt, tlsKey: usable.tlsKey, caCrt: bundle.pem },
      writesLeaf: true,
      writesBundle: isBundleNew,
      cause: cured.count,
      reason: `${cured.count}: ${cured.detail}`,
      condemned: after,
      refused,
      heldUntil: undefined,
      recheckAt: recheckAt(usable, after, bundle, at),
    };
  }
  if (published === undefined || current === undefined || current instanceof IdentityError) {
    return {
      content: undefined,
      writesLeaf: false,
      writesBundle: false,
      cause: undefined,
      reason: refused === undefined ? 'nothing to publish yet' : `refused: ${refused.message}`,
      condemned,
      refused,
      heldUntil: undefined,
      recheckAt: at + RECHECK_CONDEMNED_MS,
    };
  }
  const heldUntil = isBundleNew && condemned?.count === 'inactive-root' ? holdOf(situation) : undefined;
  const writesBundle = isBundleNew && heldUntil === undefined;
  return {
    content: {
      identity: current,
      tlsCrt: published.certificatePem,
      tlsKey: published.privateKeyPem,
      caCrt: heldUntil === undefined ? bundle.pem : (published.caPem ?? bundle.pem),
    },
    writesLeaf: false,
    writesBundle,
    cause: writesBundle ? 'roots' : undefined,
    reason: writesBundle ? 'roots: the list of roots changed' : 'the published identity is good',
    condemned,
    refused,
    heldUntil,
    recheckAt: Math.min(recheckAt(current, condemned, bundle, at), heldUntil ?? Number.POSITIVE_INFINITY),
  };
}

function isBundlePublished({ published, bundle, upstream }: Situation): boolean {
  if (published?.caPem !== bundle.pem) return false;
  return upstream === undefined || published.upstreamCaPem === bundle.pem;
}

/** Until when the new roots wait; only where both places hold the same bundle, so that nothing else waits with them. */
function holdOf({ published, bundle, upstream, at }: Situation): number | undefined {
  const trusted = published?.upstreamCaPem;
  if (upstream === undefined || trusted === undefined || trusted !== published?.caPem) return undefined;
  return holdUntil(trusted, bundle, upstream.rootsSince, at);
}

function assess(
  material: LeafMaterial | undefined,
  { service, bundle, at }: Situation,
  verify: typeof verifyIdentity,
): Identity | IdentityError | undefined {
  if (material === undefined) return undefined;
  try {
    return verify(material, service, bundle, at);
  } catch (error) {
    if (error instanceof IdentityError) return error;
    throw error;
  }
}

/** Every count that condemns what is published, the gravest first. */
function condemn(
  current: Identity | IdentityError | undefined,
  { bundle, at }: Situation,
): readonly Condemnation[] {
  if (current === undefined) return [{ count: 'missing', detail: 'no identity was published' }];
  if (current instanceof IdentityError) {
    const other = current.code === 'OTHER_SERVICE' || current.code === 'OTHER_TRUST_DOMAIN';
    return [{ count: other ? 'other-identity' : 'unpublishable', detail: current.message }];
  }
  const condemnations: Condemnation[] = [];
  if (!current.chain.reachesActiveRoot && bundle.active.size > 0) {
    condemnations.push({
      count: 'inactive-root',
      detail: 'the published leaf does not chain to the active root',
    });
  }
  const left = lifetimeLeft(current.leaf, at);
  if (left < REPLACE_BELOW) {
    condemnations.push({
      count: 'ageing',
      detail: `the published leaf has ${Math.round(left * 100)} % of its lifetime left`,
    });
  }
  return condemnations;
}

function cures(
  candidate: Identity,
  current: Identity | IdentityError | undefined,
  count: Count,
  at: number,
): boolean {
  if (current === undefined || current instanceof IdentityError) return true;
  if (count === 'inactive-root') return candidate.chain.reachesActiveRoot;
  return outlives(candidate, current, at);
}

/**
 * Whether a candidate is worth a write to replace an ageing leaf. It must live longer, and must either be no longer
 * ageing itself or gain a tenth of its lifetime (or double what is left, when that is less): so neither a leaf that
 * flaps every second (consul #6507) nor a clock far ahead of Consul's can cause a stream of writes.
 */
function outlives(candidate: Identity, current: Identity, at: number): boolean {
  const gained = candidate.leaf.notAfter - current.leaf.notAfter;
  if (gained <= 0) return false;
  // A candidate of the previous root must not displace one of the active root.
  if (current.chain.reachesActiveRoot && !candidate.chain.reachesActiveRoot) return false;
  if (lifetimeLeft(candidate.leaf, at) >= REPLACE_BELOW) return true;
  const tenth = (candidate.leaf.notAfter - candidate.leaf.notBefore) / 10;
  return gained >= Math.min(tenth, current.leaf.notAfter - at);
}

function recheckAt(
  { leaf, chain }: Identity,
  condemned: Condemnation | undefined,
  bundle: TrustBundle,
  at: number,
): number {
  const threshold = leaf.notAfter - REPLACE_BELOW * (leaf.notAfter - leaf.notBefore);
  const expiries = [leaf, ...chain.intermediates, ...bundle.anchors].map(({ notAfter }) => notAfter);
  return Math.min(condemned === undefined ? threshold + 1 : at + recheckMs(leaf, condemned, at), ...expiries);
}

/** A leaf of a year ages for months before Consul renews it: a tenth of what is left, within bounds, is often enough. */
function recheckMs({ notAfter }: Identity['leaf'], { count }: Condemnation, at: number): number {
  if (count !== 'ageing') return RECHECK_CONDEMNED_MS;
  return Math.max(RECHECK_CONDEMNED_MS, Math.min((notAfter - at) / 10, LONGEST_RECHECK_MS));
}
