import { IdentityError, identityErrorOr } from '../../errors.ts';
import { assertTrustDomain, buildTrustBundle, type ListedRoots, type TrustBundle } from '../trust-bundle.ts';
import { withSignatureBudget } from '../x509/signature-budget.ts';
import { decide } from './decide.ts';
import type { Decision, DecisionInput } from './decision.ts';

export interface PlanInput extends Omit<DecisionInput, 'bundle' | 'upstream'> {
  /** The result of `bundleOfListed` for Consul's newest roots at `at`; undefined before its first answer. */
  readonly newest: TrustBundle | IdentityError | undefined;
  /** The newest usable roots, while `newest` is an error. */
  readonly usableRoots: ListedRoots | undefined;
  /** Whether the gateway verifies its peers with the bundle, so that a change of it reloads the gateway. */
  readonly verifiesUpstream: boolean;
  /** The `X-Consul-Index` of the newest usable roots. */
  readonly rootsIndex?: bigint | undefined;
  /** The bundle of the previous plan. */
  readonly previous: DatedBundle | undefined;
}

export interface DatedBundle {
  readonly bundle: TrustBundle;
  /** When Consul first listed these roots, in milliseconds since the epoch. */
  readonly since: number;
}

export type Plan = Waiting | Planned;

/** No usable roots have been received yet, so nothing can be verified. */
export interface Waiting {
  readonly kind: 'waiting';
  readonly rootsRejected: IdentityError | undefined;
}

export interface Planned extends DatedBundle {
  readonly kind: 'planned';
  /** The fault of the newest roots, if they cannot be used; `bundle` is then that of the previous ones. */
  readonly rootsRejected: IdentityError | undefined;
  readonly decision: Decision;
  /** The serial number of the published leaf, if it was written by anything other than a connector. */
  readonly foreignLeaf: string | undefined;
  /** The `X-Consul-Index` of the published roots once the decision is carried out, if known. */
  readonly rootsIndex: bigint | undefined;
}

/** Decides what to publish, from Consul's answers and the current content; the same for `run`, `once` and `render`. Pure. */
export function plan(input: PlanInput): Plan {
  const { newest } = input;
  if (newest === undefined) return { kind: 'waiting', rootsRejected: undefined };
  return withSignatureBudget(() => planWith(newest, input));
}

/**
 * The trust bundle of `roots` at `at` (milliseconds since the epoch), or the error if they cannot be used. It has its own signature
 * budget, so that the plan can still verify with the previous roots if these exhaust it.
 *
 * @param trustDomain the expected trust domain, in lower case; undefined: any
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
