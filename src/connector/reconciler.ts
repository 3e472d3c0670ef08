import { PublishError } from '../errors.ts';
import type { Identity } from '../identity/identity.ts';
import { causeOf, describeCause, type Keep, type Replace } from '../identity/policy/decision.ts';
import type { Plan } from '../identity/policy/plan.ts';
import { backoffMs } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import type { Publisher } from '../publish/publisher.ts';
import type { Planner } from './planner.ts';

export interface ReconcilerOptions {
  readonly planner: Planner;
  readonly publisher: Publisher;
  /** Whether the roots are also published in a second object, with which the gateway verifies its peers. */
  readonly verifiesUpstream: boolean;
  readonly clock: Clock;
}

/** The outcome of one reconciliation for each component. */
export interface Reconciliation {
  /** Undefined if the target could not be read. */
  readonly plan: Plan | undefined;
  readonly identity: IdentityOutcome;
  readonly service: ServiceOutcome;
  /** Every write of the identity, the conflicting attempts included. */
  readonly identityWrites: readonly (Replace | Keep)[];
  readonly serviceWrites: number;
}

export type IdentityOutcome =
  /** A valid identity is published. */
  | { readonly kind: 'published'; readonly identity: Identity }
  /** No valid identity is published. */
  | { readonly kind: 'unpublished'; readonly reason: string }
  /** Consul's roots are not known yet, so the published identity was not verified. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'failed'; readonly error: unknown };

export type ServiceOutcome =
  | { readonly kind: 'published' }
  /** Another writer keeps modifying it. */
  | { readonly kind: 'rate-limited' }
  /** There is no identity for it to reference. */
  | { readonly kind: 'skipped' }
  | { readonly kind: 'failed'; readonly error: unknown };

const MAX_CONFLICTS = 8;
const CONFLICT_BACKOFF_CAP_MS = 500;
const CONFLICT_BACKOFF_BASE_MS = 20;

/** Reconciles the target with Consul's answers: reads, plans, and writes the plan. */
export class Reconciler {
  readonly #options: ReconcilerOptions;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** Never rejects because of the target: its errors are part of the result. */
  async reconcile(signal: AbortSignal): Promise<Reconciliation> {
    const { clock } = this.#options;
    const writes: Writes = { identity: [], service: 0 };
    for (let conflicts = 1; ; conflicts += 1) {
      const attempt = await this.#attempt(writes, signal);
      const isLast = conflicts === MAX_CONFLICTS || signal.aborted;
      if (attempt.conflict === undefined || isLast) {
        const { plan, identity, service } = withConflict(attempt, conflicts);
        return { plan, identity, service, identityWrites: writes.identity, serviceWrites: writes.service };
      }
      const waitMs = backoffMs(conflicts, clock.random, CONFLICT_BACKOFF_CAP_MS, CONFLICT_BACKOFF_BASE_MS);
      await clock.sleep(waitMs, signal);
    }
  }

  async #attempt(writes: Writes, signal: AbortSignal): Promise<Attempt> {
    const { planner, publisher, verifiesUpstream } = this.#options;
    let plan: Plan | undefined;
    let identity: IdentityOutcome;
    try {
      const published = await publisher.read(signal);
      plan = planner.plan(published);
      const isComplete =
        published !== undefined && (!verifiesUpstream || published.upstreamCaPem !== undefined);
      const written = await this.#publishIdentity(plan, isComplete, writes, signal);
      if (written === 'conflict') {
        return { plan, identity: { kind: 'unknown' }, service: { kind: 'skipped' }, conflict: 'identity' };
      }
      identity = written;
      // A TLSContext that names a missing Secret would break the gateway.
      const mayRefer = identity.kind === 'published' || (identity.kind === 'unknown' && isComplete);
      if (!mayRefer) return { plan, identity, service: { kind: 'skipped' } };
    } catch (error) {
      if (!(error instanceof PublishError)) throw error;
      return { plan, identity: { kind: 'failed', error }, service: { kind: 'skipped' } };
    }
    try {
      const outcome = await publisher.publishService(signal);
      if (outcome === 'conflict')
        return { plan, identity, service: { kind: 'skipped' }, conflict: 'service' };
      if (outcome === 'written') writes.service += 1;
      return { plan, identity, service: { kind: outcome === 'rate-limited' ? outcome : 'published' } };
    } catch (error) {
      if (!(error instanceof PublishError)) throw error;
      return { plan, identity, service: { kind: 'failed', error } };
    }
  }

  async #publishIdentity(
    plan: Plan,
    isComplete: boolean,
    writes: Writes,
    signal: AbortSignal,
  ): Promise<IdentityOutcome | 'conflict'> {
    const { planner, publisher } = this.#options;
    if (plan.kind === 'waiting') return { kind: 'unknown' };
    const { decision } = plan;
    if (decision.kind === 'none') {
      const { rejected, violation } = decision;
      const why = rejected === undefined ? 'nothing to publish yet' : `rejected: ${rejected.message}`;
      return { kind: 'unpublished', reason: `${violation.detail}; ${why}` };
    }
    const { content } = decision;
    if (decision.kind === 'keep' && decision.bundle.kind === 'unconfirmed') {
      return { kind: 'published', identity: content.identity };
    }
    const cause = causeOf(decision);
    const outcome = await publisher.write({ content, cause, rootsIndex: plan.rootsIndex }, signal);
    if (outcome === 'conflict') return outcome;
    if (outcome === 'written') {
      planner.wrote(plan);
      writes.identity.push(decision);
    }
    if (decision.kind === 'keep' && decision.violation?.reason === 'invalid') {
      return { kind: 'unpublished', reason: decision.violation.detail };
    }
    if (outcome !== 'rate-limited') return { kind: 'published', identity: content.identity };
    const current = decision.kind === 'keep' ? content.identity : decision.current;
    if (current !== undefined && isComplete) return { kind: 'published', identity: current };
    return { kind: 'unpublished', reason: `${describeCause(cause)}; another writer keeps modifying it` };
  }
}

interface Writes {
  readonly identity: (Replace | Keep)[];
  service: number;
}

/** `conflict`: the component in which another writer was first. */
interface Attempt extends Pick<Reconciliation, 'plan' | 'identity' | 'service'> {
  readonly conflict?: 'identity' | 'service';
}

function withConflict(attempt: Attempt, conflicts: number): Attempt {
  if (attempt.conflict === undefined) return attempt;
  const error = new PublishError(
    'KUBERNETES_CONFLICT',
    `another writer was first, ${conflicts} times in a row`,
    {
      remedy: 'find the other writer of the Secret or the Service with kubectl get --show-managed-fields',
    },
  );
  return { ...attempt, [attempt.conflict]: { kind: 'failed', error } };
}

/** The error that stopped the reconciliation, if any, for a retry. */
export function failureOf({ identity, service }: Reconciliation): unknown {
  if (identity.kind === 'failed') return identity.error;
  return service.kind === 'failed' ? service.error : undefined;
}
