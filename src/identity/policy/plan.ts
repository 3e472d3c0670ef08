import { IdentityError, identityErrorOr } from '../../errors.ts';
import { buildTrustBundle, type ListedRoots, type TrustBundle } from '../trust-bundle.ts';
import { type Decision, type DecisionInput, decide } from './decide.ts';

export interface PlanInput extends Omit<DecisionInput, 'bundle' | 'upstream'> {
  /** The newest roots of Consul; undefined before its first answer. */
  readonly roots: ListedRoots | undefined;
  /** The newest roots that could be used, for as long as `roots` cannot. */
  readonly usableRoots: ListedRoots | undefined;
  /** Whether the gateway verifies its peers with the bundle, so that a change of it reloads the gateway. */
  readonly verifiesUpstream: boolean;
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
}

/** What to do with what is published, given all that Consul said: the same for `run`, `once` and `render`. Pure. */
export function plan(input: PlanInput): Plan {
  const { roots, usableRoots, verifiesUpstream, previous, at } = input;
  if (roots === undefined) return { kind: 'waiting', rootsRejected: undefined };
  const newest = identityErrorOr(() => buildTrustBundle(roots, at));
  const rootsRejected = newest instanceof IdentityError ? newest : undefined;
  const bundle =
    rootsRejected !== undefined && usableRoots !== undefined
      ? identityErrorOr(() => buildTrustBundle(usableRoots, at))
      : newest;
  if (bundle instanceof IdentityError) return { kind: 'waiting', rootsRejected };
  const since = previous?.bundle.pem === bundle.pem ? previous.since : at;
  const upstream = verifiesUpstream ? { rootsSince: since } : undefined;
  return {
    kind: 'planned',
    rootsRejected,
    bundle,
    since,
    decision: decide({ ...input, bundle, upstream }),
  };
}
