import { IdentityError } from '../../errors.ts';
import type { Identity } from '../identity.ts';
import { outOfScope, type Scope } from '../spiffe-id.ts';
import type { TrustBundle } from '../trust-bundle.ts';
import { lifetimeLeft } from '../x509/certificate.ts';
import { RENEWAL_DUE_BELOW } from './thresholds.ts';

/** Reasons to replace the published leaf, most severe first. */
export const REASONS = ['missing', 'invalid', 'wrong-identity', 'inactive-root', 'renewal-due'] as const;
export type Reason = (typeof REASONS)[number];

export interface Violation {
  readonly reason: Reason;
  readonly detail: string;
}

/** Every reason to replace what is published at `at` (milliseconds since the epoch), most severe first. */
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
  return extendsLifetime(candidate, current, at);
}

/**
 * Whether a candidate is worth a write to replace a leaf whose renewal is due. It must live longer, and its own renewal must
 * either not be due or it must gain a tenth of its lifetime (or double what is left, when that is less): so neither a leaf
 * that is reissued every second (consul #6507) nor a clock far ahead of Consul's can cause a stream of writes.
 */
function extendsLifetime(candidate: Identity, current: Identity, at: number): boolean {
  const gained = candidate.leaf.notAfter - current.leaf.notAfter;
  if (gained <= 0) return false;
  // A candidate of the previous root must not displace one of the active root.
  if (current.chain.activeRoot !== undefined && candidate.chain.activeRoot === undefined) return false;
  if (lifetimeLeft(candidate.leaf, at) >= RENEWAL_DUE_BELOW) return true;
  const tenth = (candidate.leaf.notAfter - candidate.leaf.notBefore) / 10;
  return gained >= Math.min(tenth, current.leaf.notAfter - at);
}
