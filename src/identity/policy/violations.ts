import { IdentityError } from '../../errors.ts';
import type { Identity } from '../identity.ts';
import { outOfScope, type Scope } from '../spiffe-id.ts';
import type { TrustBundle } from '../trust-bundle.ts';
import { lifetimeLeft } from '../x509/certificate.ts';

/** The counts on which a published leaf can be condemned, the gravest first. */
export const REASONS = ['missing', 'invalid', 'wrong-identity', 'inactive-root', 'renewal-due'] as const;
export type Reason = (typeof REASONS)[number];

export interface Violation {
  readonly reason: Reason;
  readonly detail: string;
}

/** Below this share of its lifetime a leaf is replaced; Consul renews at 60 to 90 % of the lifetime, so normally first. */
export const REPLACE_BELOW = 0.4;

/** Every count that condemns what is published at `at` (milliseconds since the epoch), the gravest first. */
export function findViolations(
  current: Identity | IdentityError | undefined,
  bundle: TrustBundle,
  scope: Scope,
  at: number,
): readonly Violation[] {
  if (current === undefined) return [{ reason: 'missing', detail: 'no identity was published' }];
  if (current instanceof IdentityError) {
    const other = current.code === 'WRONG_SERVICE' || current.code === 'WRONG_TRUST_DOMAIN';
    return [{ reason: other ? 'wrong-identity' : 'invalid', detail: current.message }];
  }
  const violations: Violation[] = [];
  const missed = outOfScope(current.spiffeId, scope);
  if (missed !== undefined) {
    violations.push({
      reason: 'wrong-identity',
      detail: `the published leaf is ${current.spiffeId.uri}, asked for was ${missed}`,
    });
  }
  if (current.chain.activeRoot === undefined && bundle.active.size > 0) {
    violations.push({
      reason: 'inactive-root',
      detail: 'the published leaf does not chain to the active root',
    });
  }
  const left = lifetimeLeft(current.leaf, at);
  if (left < REPLACE_BELOW) {
    violations.push({
      reason: 'renewal-due',
      detail: `the published leaf has ${Math.round(left * 100)} % of its lifetime left`,
    });
  }
  return violations;
}

/** Whether publishing `candidate` instead mends what `current` is condemned for. */
export function resolves(
  candidate: Identity,
  current: Identity | IdentityError | undefined,
  count: Reason,
  scope: Scope,
  at: number,
): boolean {
  if (current === undefined || current instanceof IdentityError) return true;
  if (count === 'wrong-identity') return outOfScope(candidate.spiffeId, scope) === undefined;
  if (count === 'inactive-root') return candidate.chain.activeRoot !== undefined;
  return extendsLifetime(candidate, current, at);
}

/**
 * Whether a candidate is worth a write to replace an ageing leaf. It must live longer, and must either be no longer
 * ageing itself or gain a tenth of its lifetime (or double what is left, when that is less): so neither a leaf that
 * flaps every second (consul #6507) nor a clock far ahead of Consul's can cause a stream of writes.
 */
function extendsLifetime(candidate: Identity, current: Identity, at: number): boolean {
  const gained = candidate.leaf.notAfter - current.leaf.notAfter;
  if (gained <= 0) return false;
  // A candidate of the previous root must not displace one of the active root.
  if (current.chain.activeRoot !== undefined && candidate.chain.activeRoot === undefined) return false;
  if (lifetimeLeft(candidate.leaf, at) >= REPLACE_BELOW) return true;
  const tenth = (candidate.leaf.notAfter - candidate.leaf.notBefore) / 10;
  return gained >= Math.min(tenth, current.leaf.notAfter - at);
}
