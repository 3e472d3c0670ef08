import { BlockingQuery, type QueryResponse } from '../consul/blocking-query.ts';
import type { Consul } from '../consul/client.ts';
import { type CaLeaf, type CaQuery, leafQuery, ROOTS_QUERY } from '../consul/connect-ca.ts';
import { errorOfStaleRoots } from '../consul/errors/status.ts';
import { PublishError, retryAfterOf } from '../errors.ts';
import { strayKeysOfLeaf, strayKeysOfRoots } from '../identity/stray-keys.ts';
import type { ListedRoots } from '../identity/trust-bundle.ts';
import { backoffMs } from '../lib/backoff.ts';
import { Notify } from '../lib/notify.ts';
import type { Publisher } from '../publish/publisher.ts';
import { FollowingLeaf } from './following-leaf.ts';
import { Planner, type PlannerOptions } from './planner.ts';
import { queryOnce } from './query-once.ts';
import { failureOf, Reconciler, type Reconciliation } from './reconciler.ts';
import type { Reporter } from './reporter.ts';

/** The reports of the loops. */
export type ConnectorReporter = Pick<
  Reporter,
  | 'heartbeat'
  | 'permissionMissing'
  | 'queryAnswered'
  | 'queryFailed'
  | 'queryTimedOut'
  | 'reconciled'
  | 'reconcileFailed'
  | 'strayKeys'
>;

export interface ConnectorOptions extends PlannerOptions {
  readonly consul: Consul;
  /** The `wait` of blocking queries, in milliseconds. */
  readonly waitMs: number;
  readonly publisher: Publisher;
  readonly reporter: ConnectorReporter;
}

export const LOOPS = ['roots', 'leaf', 'publish'] as const;

/** The longest time without a heartbeat of a healthy loop: a blocking query, its deadline, the longest backoff, and a margin. */
export function maxSilenceMs(waitMs: number): number {
  return 2 * waitMs + 5 * 60_000;
}

/** The publishing loop runs at least this often, or as often as the queries, for its heartbeat in `/livez`. */
const MAX_IDLE_MS = 60_000;
const MAX_PUBLISH_BACKOFF_MS = 30_000;
const ONCE_DEADLINE_MS = 30_000;
const PERMISSION_DEADLINE_MS = 10_000;
/** Less than the two seconds that a stop may take. */
const LOGOUT_DEADLINE_MS = 1_000;

/** Two blocking queries and the watch of the published objects wake one loop that reconciles them. */
export class Connector {
  readonly #options: ConnectorOptions;
  readonly #planner: Planner;
  readonly #reconciler: Reconciler;
  readonly #notify: Notify;
  readonly #followingLeaf: FollowingLeaf;

  constructor(options: ConnectorOptions) {
    this.#options = options;
    this.#planner = new Planner(options);
    this.#reconciler = new Reconciler({ ...options, planner: this.#planner });
    this.#notify = new Notify(options.clock);
    this.#followingLeaf = new FollowingLeaf(options.clock);
  }

  /** Runs until `signal` aborts. Never rejects because of Consul or Kubernetes. */
  async run(signal: AbortSignal): Promise<void> {
    const { consul, publisher, reporter, service } = this.#options;
    let hasAnswered = false;
    const leaf = this.#query(
      leafQuery(service),
      (answer) => {
        this.#planner.setLeaf(answer);
        this.#followingLeaf.leafChanged();
        reporter.strayKeys('leaf', strayKeysOfLeaf(answer));
        if (!hasAnswered) void this.#reportMissingPermission(signal);
        hasAnswered = true;
      },
      () => this.#followingLeaf.leafAnswered(),
    );
    let activeRootId: string | undefined;
    const roots = this.#query(
      ROOTS_QUERY,
      (answer) => {
        this.#planner.setRoots(answer);
        reporter.strayKeys('roots', strayKeysOfRoots(answer));
        if (activeRootId !== undefined && activeRootId !== answer.activeRootId) {
          this.#followingLeaf.rootsChanged(() => leaf.refetch(), signal);
        }
        activeRootId = answer.activeRootId;
      },
      (response) => {
        if (!this.#planner.rootsAnswered(response)) return;
        // While the roots were unconfirmed, no leaf of theirs was requested.
        leaf.refetch();
        this.#notify.notify();
      },
    );
    await Promise.all([
      roots.run(signal),
      leaf.run(signal),
      publisher.run(() => this.#notify.notify(), signal),
      this.#publishLoop(roots, leaf, signal),
    ]);
    await Promise.all([consul.close(LOGOUT_DEADLINE_MS), publisher.close()]);
  }

  /**
   * Queries Consul once, publishes once, and returns whether anything was written.
   *
   * @throws ConsulError, IdentityError or PublishError with the reason that no verified identity is published
   */
  async once(signal: AbortSignal): Promise<boolean> {
    const { consul, publisher, reporter, service } = this.#options;
    const connection = consul.connect();
    try {
      const { roots, leaf } = await queryOnce(connection, service, this.#planner, ONCE_DEADLINE_MS, signal);
      reporter.strayKeys('roots', strayKeysOfRoots(roots.value));
      reporter.strayKeys('leaf', strayKeysOfLeaf(leaf.value));
      const reconciliation = await this.#reconciler.reconcile(signal);
      reporter.reconciled(reconciliation);
      const stale = roots.freshness === 'stale' ? errorOfStaleRoots(roots.ageSeconds) : undefined;
      assertPublished(reconciliation, stale);
      return reconciliation.identityWrites.length + reconciliation.serviceWrites > 0;
    } finally {
      await Promise.all([consul.close(LOGOUT_DEADLINE_MS), publisher.close()]);
    }
  }

  /** Receiving a leaf does not prove that Consul will sign the next one. */
  async #reportMissingPermission(signal: AbortSignal): Promise<void> {
    const { consul, reporter } = this.#options;
    try {
      const missing = await consul.missingPermission(PERMISSION_DEADLINE_MS, signal);
      if (missing !== undefined) reporter.permissionMissing(missing);
    } catch {
      // The blocking queries report errors of Consul.
    }
  }

  /** Reconciles on every change, at `recheckAt`, and after a failure with backoff. */
  async #publishLoop(
    roots: BlockingQuery<ListedRoots>,
    leaf: BlockingQuery<CaLeaf>,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, reporter, waitMs } = this.#options;
    const maxIdleMs = Math.max(MAX_IDLE_MS, waitMs);
    let failures = 0;
    let nextAt = Number.POSITIVE_INFINITY;
    while (!signal.aborted) {
      reporter.heartbeat('publish');
      const before = clock.now();
      const notified = await this.#notify.wait(Math.min(nextAt - before, maxIdleMs), signal);
      if (signal.aborted) return;
      const now = clock.now();
      // After the clock was set back, certificates may have become valid, and `nextAt` is too late.
      if (!notified && now < nextAt && now >= before) continue;
      await this.#followingLeaf.settled;
      try {
        const { plan } = await this.#reconcile(signal);
        failures = 0;
        nextAt =
          plan === undefined || plan.rootsRejected === undefined
            ? Number.POSITIVE_INFINITY
            : clock.now() + MAX_IDLE_MS;
        if (plan?.kind !== 'planned') continue;
        const { recheckAt, violation, requeryRoots } = plan.decision;
        nextAt = Math.min(nextAt, recheckAt);
        // Consul's last leaf does not resolve the violation of the published one: Consul may have a newer one.
        if (!notified && violation !== undefined) leaf.refetch();
        if (requeryRoots) roots.refetch();
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        const retryAfterMs = retryAfterOf(error);
        const retryMs = retryAfterMs + backoffMs(failures, clock.random, MAX_PUBLISH_BACKOFF_MS);
        nextAt = clock.now() + retryMs;
        reporter.reconcileFailed(error, failures, retryMs);
        // A change in Consul must not shorten this: Retry-After applies to every request.
        await clock.sleep(retryAfterMs, signal);
      }
    }
  }

  /** @throws the error that stopped the reconciliation, after reporting it */
  async #reconcile(signal: AbortSignal): Promise<Reconciliation> {
    const reconciliation = await this.#reconciler.reconcile(signal);
    const failure = failureOf(reconciliation);
    // A stop aborts requests, which is not reported as a failure.
    if (failure === undefined || !signal.aborted) this.#options.reporter.reconciled(reconciliation);
    if (failure !== undefined) throw failure;
    return reconciliation;
  }

  #query<T>(
    query: CaQuery<T>,
    take: (answer: T) => void,
    answered: (response: QueryResponse) => void = () => undefined,
  ): BlockingQuery<T> {
    const { clock, consul, reporter, waitMs } = this.#options;
    const { subject } = query;
    return new BlockingQuery({
      connection: consul.connect(),
      query,
      waitMs,
      clock,
      onChange: (answer) => {
        take(answer);
        this.#notify.notify();
      },
      onResponse: (response) => {
        reporter.queryAnswered(subject, response, response.isRecovering);
        answered(response);
      },
      onTimeout: () => reporter.queryTimedOut(subject),
      onError: (error, attempt, retryMs) => reporter.queryFailed(subject, error, attempt, retryMs),
    });
  }
}

/** @throws the reason that no verified identity is published, or that its Service is not */
function assertPublished(reconciliation: Reconciliation, stale: Error | undefined): void {
  const { plan, identity, service } = reconciliation;
  const failure = failureOf(reconciliation);
  if (failure !== undefined) throw failure;
  if (plan?.rootsRejected !== undefined) throw plan.rootsRejected;
  if (identity.kind === 'published' && service.kind === 'published') return;
  const rejected = plan?.kind === 'planned' ? plan.decision.rejected : undefined;
  const reason =
    identity.kind === 'unpublished'
      ? identity.reason
      : 'another writer keeps modifying the published objects';
  throw (
    rejected ??
    stale ??
    new PublishError('NOT_PUBLISHED', `no verified identity is published: ${reason}`, {
      remedy: 'run ambassador-consul-connector check: its first FAIL is the cause',
    })
  );
}
