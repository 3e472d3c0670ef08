import { IdentityError, identityErrorOr } from '../../errors.ts';
import { assertTrustDomain, buildTrustBundle, type ListedRoots, type TrustBundle } from '../trust-bundle.ts';
import { withSignatureBudget } from '../x509/signature-budget.ts';
import { decide } from './decide.ts';
import type { Decision, DecisionInput } from './decision.ts';

export interface PlanInput extends Omit<DecisionInput, 'bundle' | 'upstream'> {
  /** What `bundleOfListed` makes of the newest roots of Consul at `at`; undefined before its first answer. */
  readonly newest: TrustBundle | IdentityError | undefined;
  /** The newest roots that could be used, for as long as those cannot. */
  readonly usableRoots: ListedRoots | undefined;
  /** Whether the gateway verifies its peers with the bundle, so that a change of it reloads the gateway. */
  readonly verifiesUpstream: boolean;
  /** The `X-Consul-Index` of the newest roots that could be used. */
  readonly rootsIndex?: bigint | undefined;
  /** The bundle of the plan before this one. */
  readonly previous: DatedBundle | undefined;
}

export interface DatedBundle {
  readonly bundle: TrustBundle;
  /** When Consul first listed these roots, in milliseconds since the epoch. */
  readonly since: number;
}

export type Plan = Waiting | Planned;

/** Consul's roots are not known, or none of its answers could be used: nothing can be judged yet. */
export interface Waiting {
  readonly kind: 'waiting';
  readonly rootsRejected: IdentityError | undefined;
}

export interface Planned extends DatedBundle {
  readonly kind: 'planned';
  /** Why the newest roots cannot be used, if so; `bundle` is then that of the ones before. */
  readonly rootsRejected: IdentityError | undefined;
  readonly decision: Decision;
  /** The serial number of the published leaf, where somebody else than a connector put it there. */
  readonly foreignLeaf: string | undefined;
  /** The `X-Consul-Index` of the roots that are published once the decision is carried out, where that is known. */
  readonly rootsIndex: bigint | undefined;
}

/** What to do with what is published, given all that Consul said: the same for `run`, `once` and `render`. Pure. */
export function plan(input: PlanInput): Plan {
  const { newest } = input;
  if (newest === undefined) return { kind: 'waiting', rootsRejected: undefined };
  return withSignatureBudget(() => planWith(newest, input));
}

/**
 * The trust bundle of `roots` at `at` (milliseconds since the epoch), or why they cannot be used. Roots that are refused over
 * their number of signatures leave enough of them for the plan, to judge by those of before.
 *
 * @param trustDomain the one that Consul's must be, in lower case; undefined: any
 */
export function bundleOfListed(
  roots: ListedRoots,
  trustDomain: string | undefined,
  at: number,
): TrustBundle | IdentityError {
  return identityErrorOr(() => {
    assertTrustDomain(roots, trustDomain);
    return buildTrustBundle(roots, at);
  });
}

function planWith(newest: TrustBundle | IdentityError, input: PlanInput): Plan {
  const { usableRoots, verifiesUpstream, previous, at } = input;
  const rootsRejected = newest instanceof IdentityError ? newest : undefined;
  const bundle =
    rootsRejected !== undefined && usableRoots !== undefined
      ? identityErrorOr(() => buildTrustBundle(usableRoots, at))
      : newest;
  if (bundle instanceof IdentityError) return { kind: 'waiting', rootsRejected };
  const since = previous?.bundle.pem === bundle.pem ? previous.since : at;
  const upstream = verifiesUpstream ? { rootsSince: since } : undefined;
  const decision = decide({ ...input, bundle, upstream });
  const keepsIndex = decision.kind === 'replace' && decision.bundle === 'unconfirmed';
  return {
    kind: 'planned',
    rootsRejected,
    bundle,
    since,
    foreignLeaf: input.foreignLeaf,
    rootsIndex: keepsIndex ? input.published?.rootsIndex : input.rootsIndex,
    decision,
  };
}
