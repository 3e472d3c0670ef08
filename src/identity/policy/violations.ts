import { IdentityError } from '../../errors.ts';
import { type Identity, lifetimeLeft } from '../identity.ts';
import { outOfScope, type Scope } from '../spiffe-id.ts';
import type { TrustBundle } from '../trust-bundle.ts';
import { FRESH_FROM, RENEWAL_DUE_BELOW, URGENT_BELOW } from './thresholds.ts';

/** Reasons to replace the published leaf, most severe first. */
export const REASONS = [
  'missing',
  'invalid',
  'wrong-identity',
  'inactive-root',
  'renewal-due',
  'foreign-leaf',
] as const;
export type Reason = (typeof REASONS)[number];

export interface Violation {
  readonly reason: Reason;
  readonly detail: string;
}

export const NOT_PUBLISHED: Violation = { reason: 'missing', detail: 'no identity was published' };

/** Every reason to replace the published identity at `at` (milliseconds since the epoch), most severe first. */
export function findViolations(
  current: Identity | IdentityError | undefined,
  bundle: TrustBundle,
  scope: Scope,
  at: number,
): readonly Violation[] {
  if (current === undefined) return [NOT_PUBLISHED];
  if (current instanceof IdentityError) {
    const other = current.code === 'WRONG_SERVICE' || current.code === 'WRONG_TRUST_DOMAIN';
    return [{ reason: other ? 'wrong-identity' : 'invalid', detail: current.message }];
  }
  const violations: Violation[] = [];
  const missed = outOfScope(current.spiffeId, scope);
  if (missed !== undefined) {
    violations.push({
      reason: 'wrong-identity',
      detail: `the published leaf is ${current.spiffeId.uri}, but ${missed} was requested`,
    });
  }
  if (current.chain.activeRoot === undefined && bundle.active.size > 0) {
    violations.push({
      reason: 'inactive-root',
      detail: 'the published leaf does not chain to the active root',
    });
  }
  const left = lifetimeLeft(current, at);
  if (left < RENEWAL_DUE_BELOW) {
    violations.push({
      reason: 'renewal-due',
      detail: `the published leaf has ${Math.round(left * 100)} % of its lifetime left`,
    });
  }
  return violations;
}

/** Whether publishing `candidate`, which is in scope, instead of `current` resolves that violation. */
export function resolves(
  candidate: Identity,
  current: Identity | IdentityError | undefined,
  { reason }: Violation,
  at: number,
): boolean {
  if (current === undefined || current instanceof IdentityError) return true;
  if (reason === 'wrong-identity') return true;
  if (reason === 'inactive-root') return candidate.chain.activeRoot !== undefined;
  if (reason === 'foreign-leaf') return outlives(candidate, current);
  return extendsLifetime(candidate, current, at);
}

/**
 * Whether a candidate justifies a write to replace a leaf whose renewal is due. It must expire later and be fresh; once the
 * published leaf is near its expiry, it is enough to gain a tenth of its lifetime (or to double the remaining time, if that is
 * less). So neither the leaves of several replicas, nor one that is reissued every second (consul #6507), nor a clock far ahead of
 * Consul's can cause a stream of writes.
 */
function extendsLifetime(candidate: Identity, current: Identity, at: number): boolean {
  if (!outlives(candidate, current)) return false;
  if (lifetimeLeft(candidate, at) >= FRESH_FROM) return true;
  if (lifetimeLeft(current, at) >= URGENT_BELOW) return false;
  const tenth = (candidate.notAfter - candidate.leaf.notBefore) / 10;
  const gained = candidate.notAfter - current.notAfter;
  return gained >= Math.min(tenth, current.notAfter - at);
}

/** A candidate from the previous root must not replace one from the active root, even if it expires later. */
function outlives(candidate: Identity, current: Identity): boolean {
  if (current.chain.activeRoot !== undefined && candidate.chain.activeRoot === undefined) return false;
  return candidate.notAfter > current.notAfter;
}
