import type { Logger } from 'pino';
import { BlockingQuery } from '../consul/blocking-query.ts';
import type { Consul } from '../consul/client.ts';
import {
  type CaLeaf,
  decodeLeaf,
  decodeRoots,
  fetchOnce,
  leafPath,
  ROOTS_PATH,
} from '../consul/connect-ca.ts';
import type { Connection } from '../consul/connection.ts';
import { describeError, PublishError } from '../errors.ts';
import type { Scope } from '../identity/spiffe-id.ts';
import type { ListedRoots } from '../identity/trust-bundle.ts';
import { backoffMs } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { Notify } from '../lib/notify.ts';
import type { Publisher } from '../publish/publisher.ts';
import type { EventLog } from '../status/event-log.ts';
import type { Health } from '../status/health.ts';
import type { Metrics } from '../status/metrics.ts';
import { reportOn } from './query-report.ts';
import { Reconciler } from './reconciler.ts';

export interface ConnectorOptions {
  readonly consul: Consul;
  /** The Consul service whose leaf is published. */
  readonly service: string;
  /** Where in Consul it is asked for, as far as that was said. */
  readonly scope: Scope;
  /** Whether the gateway verifies its peers by the bundle, so that a change of it reloads the gateway. */
  readonly verifiesUpstream: boolean;
  /** Longest block asked of Consul, in milliseconds. */
  readonly waitMs: number;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly eventLog: EventLog;
}

export const LOOPS = ['roots', 'leaf', 'publish'] as const;

/** The longest a healthy loop is silent: a block, its deadline, the longest backoff, and room. */
export function longestSilenceMs(waitMs: number): number {
  return 2 * waitMs + 5 * 60_000;
}

/** The publishing loop turns at least this often, or as often as the queries do, so that `/livez` can see it turn. */
const MAX_IDLE_MS = 60_000;
const MAX_PUBLISH_BACKOFF_MS = 30_000;
const ONCE_DEADLINE_MS = 30_000;
/** Within the two seconds that a stop may take. */
const LOGOUT_DEADLINE_MS = 1_000;

/** The whole of it: two blocking queries and the watch of what is published wake one loop that reconciles them. */
export class Connector {
  readonly #options: ConnectorOptions;
  readonly #reconciler: Reconciler;
  readonly #wakeup: Notify;

  constructor(options: ConnectorOptions) {
    this.#options = options;
    this.#reconciler = new Reconciler(options);
    this.#wakeup = new Notify(options.clock);
  }

  /** Runs until `signal` aborts. Never rejects over what Consul or Kubernetes do. */
  async run(signal: AbortSignal): Promise<void> {
    const { consul, publisher, service } = this.#options;
    const leaf = this.#query('leaf', consul.connect(), leafPath(service), decodeLeaf, (answer) =>
      this.#reconciler.takeLeaf(answer),
    );
    let activeRootId: string | undefined;
    const roots = this.#query('roots', consul.connect(), ROOTS_PATH, decodeRoots, (answer) => {
      this.#reconciler.takeRoots(answer);
      // Some versions of Consul never wake a blocked leaf query over a new root (consul PR #15005).
      if (activeRootId !== undefined && activeRootId !== answer.activeRootId) leaf.refetch();
      activeRootId = answer.activeRootId;
    });
    await Promise.all([
      roots.run(signal),
      leaf.run(signal),
      publisher.run(() => this.#wakeup.notify(), signal),
      this.#publishLoop(roots, leaf, signal),
    ]);
    await Promise.all([consul.close(LOGOUT_DEADLINE_MS), publisher.close()]);
  }

  /**
   * Asks Consul once, publishes once, and says whether it wrote.
   *
   * @throws ConsulError, IdentityError or PublishError: what stands in the way
   */
  async once(signal: AbortSignal): Promise<boolean> {
    const { consul, publisher, service } = this.#options;
    const connection = consul.connect();
    try {
      const { roots, ageSeconds, leaf } = await fetchOnce(connection, service, ONCE_DEADLINE_MS, signal);
      this.#reconciler.takeRoots(roots);
      this.#reconciler.rootsConfirmed(ageSeconds);
      this.#reconciler.takeLeaf(leaf);
      const { decision, fault, wrote } = await this.#reconciler.reconcile(signal);
      if (fault !== undefined) throw fault;
      if (decision?.content === undefined && decision?.refused !== undefined) throw decision.refused;
      return wrote;
    } finally {
      await Promise.all([consul.close(LOGOUT_DEADLINE_MS), publisher.close()]);
    }
  }

  /** Reconciles on every notice, when time alone may change the decision, and after a failure with backoff. */
  async #publishLoop(
    roots: BlockingQuery<ListedRoots>,
    leaf: BlockingQuery<CaLeaf>,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, health, logger, waitMs } = this.#options;
    const longestIdleMs = Math.max(MAX_IDLE_MS, waitMs);
    let failures = 0;
    let nextAt = Number.POSITIVE_INFINITY;
    while (!signal.aborted) {
      health.heartbeat('publish');
      const before = clock.now();
      const noticed = await this.#wakeup.wait(Math.min(nextAt - before, longestIdleMs), signal);
      if (signal.aborted) return;
      const now = clock.now();
      // A clock that was set back may have made valid what was not, and `nextAt` is by the clock of before.
      if (!noticed && now < nextAt && now >= before) continue;
      try {
        const { decision, fault } = await this.#reconciler.reconcile(signal);
        failures = 0;
        nextAt = Math.min(
          decision?.recheckAt ?? Number.POSITIVE_INFINITY,
          fault === undefined ? Number.POSITIVE_INFINITY : clock.now() + MAX_IDLE_MS,
        );
        // The published leaf is condemned and what Consul sent does not cure that: perhaps it has a better one by now.
        if (!noticed && decision?.condemned !== undefined) leaf.refetch();
        if (decision?.requeryRoots === true) roots.refetch();
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        const retryMs = backoffMs(failures, clock.random, MAX_PUBLISH_BACKOFF_MS);
        nextAt = clock.now() + retryMs;
        // What is no error of the place of publication is one of this program's own.
        const level = error instanceof PublishError ? 'warn' : 'error';
        logger[level]({ ...describeError(error), attempt: failures, retryMs }, 'publishing failed, retrying');
      }
    }
  }

  #query<T>(
    name: 'roots' | 'leaf',
    connection: Connection,
    path: string,
    decode: (text: string) => T,
    take: (answer: T) => void,
  ): BlockingQuery<T> {
    const { clock, waitMs } = this.#options;
    const report = reportOn(name, this.#options);
    return new BlockingQuery({
      ...report,
      connection,
      path,
      waitMs,
      decode,
      clock,
      onChange: (answer) => {
        take(answer);
        this.#wakeup.notify();
      },
      onResponse: (ageSeconds, isRecovering) => {
        report.onResponse(ageSeconds, isRecovering);
        if (name === 'roots' && this.#reconciler.rootsConfirmed(ageSeconds)) this.#wakeup.notify();
      },
    });
  }
}
