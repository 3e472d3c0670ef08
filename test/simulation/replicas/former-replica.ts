import { BlockingQuery } from '../../../src/consul/blocking-query.ts';
import type { CaLeaf, CaQuery, CaRoots } from '../../../src/consul/connect-ca.ts';
import { leafQuery, ROOTS_QUERY } from '../../../src/consul/connect-ca.ts';
import { causeOf } from '../../../src/identity/policy/decision.ts';
import { bundleOfListed, plan } from '../../../src/identity/policy/plan.ts';
import type { Published } from '../../../src/identity/published.ts';
import { ANYWHERE } from '../../../src/identity/spiffe-id.ts';
import type { Clock } from '../../../src/lib/clock.ts';
import { Notify } from '../../../src/lib/notify.ts';
import { SERVICE } from '../consul-model.ts';
import { fingerprints } from '../witness.ts';
import type { Agent } from './mesh.ts';
import type { StorePublisher } from './store.ts';

const SETTLE_MS = 1_000;

interface FormerReplicaOptions {
  readonly consul: Agent;
  readonly publisher: StorePublisher;
  readonly verifiesUpstream: boolean;
  readonly clock: Clock;
}

/**
 * A replica with the rules of 2026-11-28: its roots are unconfirmed only if a published root is missing from them and another
 * writer changed the bundle; it reverts any other difference at once, and stores no index.
 */
export class FormerReplica {
  readonly #options: FormerReplicaOptions;
  #roots: CaRoots | undefined;
  #leaf: CaLeaf | undefined;
  #unconfirmedSince: number | undefined;
  #seen: string | undefined;

  constructor(options: FormerReplicaOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const notify = new Notify(this.#options.clock);
    const wake = (): void => notify.notify();
    const roots = this.#query(ROOTS_QUERY, (answer) => {
      this.#roots = answer;
      leaf.refetch();
      wake();
    });
    const leaf = this.#query(leafQuery(SERVICE), (answer) => {
      this.#leaf = answer;
      wake();
    });
    await Promise.all([
      roots.run(signal),
      leaf.run(signal),
      this.#options.publisher.run(wake, signal),
      this.#publish(notify, roots, signal),
    ]);
  }

  async #publish(notify: Notify, roots: BlockingQuery<CaRoots>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await notify.wait(this.#unconfirmedSince === undefined ? 60_000 : SETTLE_MS, signal);
      if (this.#isSettled) roots.refetch();
      while (!signal.aborted && (await this.#attempt(signal)) === 'conflict');
    }
  }

  async #attempt(signal: AbortSignal): Promise<string> {
    try {
      const published = await this.#options.publisher.read();
      const cause = this.#plan(published);
      return cause === undefined ? 'unchanged' : await this.#options.publisher.write(cause, signal);
    } catch {
      return 'failed';
    }
  }

  #plan(published: Published | undefined) {
    const { verifiesUpstream } = this.#options;
    const text = JSON.stringify([published?.caPem, published?.upstreamCaPem]);
    if (this.#seen !== undefined && this.#seen !== text) this.#unconfirmedSince = this.#options.clock.now();
    this.#seen = text;
    const own = fingerprints(this.#roots?.roots.map(({ certificatePem }) => certificatePem).join('') ?? '');
    const lacks = [published?.caPem, published?.upstreamCaPem].some((pem) =>
      [...fingerprints(pem ?? '')].some((root) => !own.has(root)),
    );
    const at = this.#options.clock.now();
    const planned = plan({
      service: SERVICE,
      scope: ANYWHERE,
      verifiesUpstream,
      published: published && { ...published, rootsIndex: undefined },
      candidate: this.#leaf,
      newest: this.#roots && bundleOfListed(this.#roots, undefined, at),
      usableRoots: undefined,
      previous: undefined,
      confirmAfter: lacks ? this.#unconfirmedSince : undefined,
      at,
    });
    if (planned.kind === 'waiting' || planned.decision.kind === 'none') return undefined;
    const { content } = planned.decision;
    this.#seen = JSON.stringify([content.caCrt, verifiesUpstream ? content.caCrt : undefined]);
    return { content, cause: causeOf(planned.decision) };
  }

  get #isSettled(): boolean {
    const since = this.#unconfirmedSince;
    return since !== undefined && this.#options.clock.now() - since >= SETTLE_MS;
  }

  #query<T>(query: CaQuery<T>, onChange: (answer: T) => void): BlockingQuery<T> {
    return new BlockingQuery({
      connection: this.#options.consul.connect(),
      query,
      waitMs: 600_000,
      clock: this.#options.clock,
      onChange,
      onResponse: ({ freshness }) => {
        if (query.subject === 'roots' && freshness === 'fresh' && this.#isSettled)
          this.#unconfirmedSince = undefined;
      },
      onError: () => undefined,
      onTimeout: () => undefined,
    });
  }
}
