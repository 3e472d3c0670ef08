import { IdentityError } from '../../errors.ts';
import { lifetimeLeft } from '../identity.ts';
import type { Published } from '../published.ts';
import { ANYWHERE } from '../spiffe-id.ts';
import { assessCandidate, bundlesOf, keepAll } from './content.ts';
import type { Decision, DecisionInput } from './decision.ts';
import { recheckUnusableAt } from './recheck.ts';
import { UNREADY_BELOW } from './thresholds.ts';
import type { Unconfirmed } from './unconfirmed.ts';
import { findViolations, NOT_PUBLISHED, resolves } from './violations.ts';

/** Keeps the published content until Consul has confirmed its roots, and replaces only a leaf that is about to expire. */
export function hold(
  input: DecisionInput,
  published: Published,
  { bundle, current }: Unconfirmed,
  confirmAfter: number,
): Decision {
  const { at, scope = ANYWHERE } = input;
  const successor = assessCandidate(input, bundle);
  const candidate = successor instanceof IdentityError ? assessCandidate(input, input.bundle) : successor;
  const requeryRoots = at >= confirmAfter;
  const outlook = {
    rejected: candidate instanceof IdentityError ? candidate : undefined,
    requeryRoots,
    recheckAt: requeryRoots ? recheckUnusableAt(at) : confirmAfter,
  };
  const [violation] = findViolations(current, bundle, scope, at);
  if (current instanceof IdentityError) {
    return { kind: 'none', ...outlook, violation: violation ?? NOT_PUBLISHED };
  }
  if (
    violation?.reason === 'renewal-due' &&
    lifetimeLeft(current, at) < UNREADY_BELOW &&
    successor !== undefined &&
    !(successor instanceof IdentityError) &&
    resolves(successor, current, violation, at)
  ) {
    const { tlsCrt, tlsKey } = successor;
    return {
      kind: 'replace',
      ...outlook,
      content: { identity: successor, tlsCrt, tlsKey, ...bundlesOf(published) },
      cause: violation,
      current,
      bundle: 'unconfirmed',
      violation: undefined,
    };
  }
  return {
    kind: 'keep',
    ...outlook,
    content: keepAll(published, current),
    bundle: { kind: 'unconfirmed' },
    violation,
  };
}
