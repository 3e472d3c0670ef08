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
import { Planner, type PlannerOptions } from './planner.ts';
import { queryOnce } from './query-once.ts';
import { failureOf, Reconciler, type Reconciliation } from './reconciler.ts';
import type { Reporter } from './reporter.ts';

/** What the loops report. */
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
  /** The longest block requested of Consul, in milliseconds. */
  readonly waitMs: number;
  readonly publisher: Publisher;
  readonly reporter: ConnectorReporter;
}

export const LOOPS = ['roots', 'leaf', 'publish'] as const;

/** The longest a healthy loop is silent: a block, its deadline, the longest backoff, and room. */
export function maxSilenceMs(waitMs: number): number {
  return 2 * waitMs + 5 * 60_000;
}

/** The publishing loop runs at least this often, or as often as the queries do, so that `/livez` can see it run. */
const MAX_IDLE_MS = 60_000;
const MAX_PUBLISH_BACKOFF_MS = 30_000;
/** How long new roots wait to be published for the leaf that follows them: one write, and one reload, then does for both. */
const FOLLOWING_LEAF_MS = 250;
const ONCE_DEADLINE_MS = 30_000;
const PERMISSION_DEADLINE_MS = 10_000;
/** Within the two seconds that a stop may take. */
const LOGOUT_DEADLINE_MS = 1_000;

/** Two blocking queries and the watch of what is published wake one loop that reconciles them. */
export class Connector {
  readonly #options: ConnectorOptions;
  readonly #planner: Planner;
  readonly #reconciler: Reconciler;
  readonly #notify: Notify;
  /** Notified by the answer to the leaf query that new roots made start over. */
  #followingLeaf: Notify | undefined;

  constructor(options: ConnectorOptions) {
    this.#options = options;
    this.#planner = new Planner(options);
    this.#reconciler = new Reconciler({ ...options, planner: this.#planner });
    this.#notify = new Notify(options.clock);
  }

  /** Runs until `signal` aborts. Never rejects over what Consul or Kubernetes do. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, consul, publisher, reporter, service } = this.#options;
    let hasAnswered = false;
    const leaf = this.#query(
      leafQuery(service),
      (answer) => {
        this.#planner.setLeaf(answer);
        reporter.strayKeys('leaf', strayKeysOfLeaf(answer));
        if (!hasAnswered) void this.#reportMissingPermission(signal);
        hasAnswered = true;
      },
      () => this.#followingLeaf?.notify(),
    );
    let activeRootId: string | undefined;
    const roots = this.#query(
      ROOTS_QUERY,
      (answer) => {
        this.#planner.setRoots(answer);
        reporter.strayKeys('roots', strayKeysOfRoots(answer));
        // Some versions of Consul never wake a blocked leaf query after a new root (consul PR #15005).
        if (activeRootId !== undefined && activeRootId !== answer.activeRootId) {
          this.#followingLeaf = new Notify(clock);
          leaf.refetch();
        }
        activeRootId = answer.activeRootId;
      },
      (response) => {
        if (!this.#planner.rootsAnswered(response)) return;
        // While the roots were in doubt, nobody asked for a leaf of theirs.
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
   * @throws ConsulError, IdentityError or PublishError: why no verified identity is published
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
      // The blocking queries report what is wrong with Consul.
    }
  }

  /** Reconciles on every change, when time alone may change the plan, and after a failure with backoff. */
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
      // A clock that was set back may have made valid what was not, and `nextAt` is by the clock of before.
      if (!notified && now < nextAt && now >= before) continue;
      await this.#waitForFollowingLeaf(signal);
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
        // Consul's leaf does not resolve the violation of the published one: perhaps it has a better one by now.
        if (!notified && violation !== undefined) leaf.refetch();
        if (requeryRoots) roots.refetch();
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        const retryAfterMs = retryAfterOf(error);
        const retryMs = retryAfterMs + backoffMs(failures, clock.random, MAX_PUBLISH_BACKOFF_MS);
        nextAt = clock.now() + retryMs;
        reporter.reconcileFailed(error, failures, retryMs);
        // A change in Consul must not shorten it: Retry-After holds for every request.
        await clock.sleep(retryAfterMs, signal);
      }
    }
  }

  /** Most servers answer at once, be it with the leaf of before. */
  async #waitForFollowingLeaf(signal: AbortSignal): Promise<void> {
    const awaited = this.#followingLeaf;
    await awaited?.wait(FOLLOWING_LEAF_MS, signal);
    if (this.#followingLeaf === awaited) this.#followingLeaf = undefined;
  }

  /** @throws what stopped the reconciliation, after it was reported */
  async #reconcile(signal: AbortSignal): Promise<Reconciliation> {
    const reconciliation = await this.#reconciler.reconcile(signal);
    const failure = failureOf(reconciliation);
    // A stop interrupts requests, which is no failure to report.
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

/** @throws why no verified identity is published, or the gateway does not learn of it */
function assertPublished(reconciliation: Reconciliation, stale: Error | undefined): void {
  const { plan, identity, service } = reconciliation;
  const failure = failureOf(reconciliation);
  if (failure !== undefined) throw failure;
  if (plan?.rootsRejected !== undefined) throw plan.rootsRejected;
  if (identity.kind === 'published' && service.kind === 'published') return;
  const rejected = plan?.kind === 'planned' ? plan.decision.rejected : undefined;
  const reason =
    identity.kind === 'unpublished' ? identity.reason : 'another writer keeps modifying what is published';
  throw (
    rejected ??
    stale ??
    new PublishError('NOT_PUBLISHED', `no verified identity is published: ${reason}`, {
      remedy: 'run ambassador-consul-connector check: its first FAIL is the cause',
    })
  );
}
