import { BlockingQuery } from '../../../src/consul/blocking-query.ts';
import type { CaLeaf, CaQuery, CaRoots } from '../../../src/consul/connect-ca.ts';
import { leafQuery, ROOTS_QUERY } from '../../../src/consul/connect-ca.ts';
import { causeOf } from '../../../src/identity/policy/decision.ts';
import { bundleOfListed, plan } from '../../../src/identity/policy/plan.ts';
import type { Published } from '../../../src/identity/published.ts';
import type { Clock } from '../../../src/lib/clock.ts';
import { Notify } from '../../../src/lib/notify.ts';
import { fingerprints } from '../witness.ts';
import { type Agent, ANYWHERE, SERVICE } from './mesh.ts';
import type { StorePublisher } from './store.ts';

const SETTLE_MS = 1_000;

/**
 * A replica with the rules of 2026-11-28: it doubts its roots only where a published one is missing from them and another
 * writer changed the bundle, and undoes any other difference at once. It knows no index.
 */
export class FormerReplica {
  readonly #agent: Agent;
  readonly #publisher: StorePublisher;
  readonly #verifiesUpstream: boolean;
  readonly #clock: Clock;
  #roots: CaRoots | undefined;
  #leaf: CaLeaf | undefined;
  #doubtSince: number | undefined;
  #seen: string | undefined;

  constructor(agent: Agent, publisher: StorePublisher, verifiesUpstream: boolean, clock: Clock) {
    this.#agent = agent;
    this.#publisher = publisher;
    this.#verifiesUpstream = verifiesUpstream;
    this.#clock = clock;
  }

  async run(signal: AbortSignal): Promise<void> {
    const notify = new Notify(this.#clock);
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
      this.#publisher.run(wake, signal),
      this.#publish(notify, roots, signal),
    ]);
  }

  async #publish(notify: Notify, roots: BlockingQuery<CaRoots>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await notify.wait(this.#doubtSince === undefined ? 60_000 : SETTLE_MS, signal);
      if (this.#doubtSince !== undefined && this.#clock.now() - this.#doubtSince >= SETTLE_MS)
        roots.refetch();
      while (!signal.aborted && (await this.#attempt(signal)) === 'conflict');
    }
  }

  async #attempt(signal: AbortSignal): Promise<string> {
    try {
      const published = await this.#publisher.read();
      const cause = this.#plan(published);
      return cause === undefined ? 'unchanged' : await this.#publisher.write(cause, signal);
    } catch {
      return 'failed';
    }
  }

  #plan(published: Published | undefined) {
    const text = JSON.stringify([published?.caPem, published?.upstreamCaPem]);
    if (this.#seen !== undefined && this.#seen !== text) this.#doubtSince = this.#clock.now();
    this.#seen = text;
    const own = fingerprints(this.#roots?.roots.map(({ certificatePem }) => certificatePem).join('') ?? '');
    const lacks = [published?.caPem, published?.upstreamCaPem].some((pem) =>
      [...fingerprints(pem ?? '')].some((root) => !own.has(root)),
    );
    const at = this.#clock.now();
    const planned = plan({
      service: SERVICE,
      scope: ANYWHERE,
      verifiesUpstream: this.#verifiesUpstream,
      published: published && { ...published, rootsIndex: undefined },
      candidate: this.#leaf,
      newest: this.#roots && bundleOfListed(this.#roots, undefined, at),
      usableRoots: undefined,
      previous: undefined,
      confirmAfter: lacks ? this.#doubtSince : undefined,
      at,
    });
    if (planned.kind === 'waiting' || planned.decision.kind === 'none') return undefined;
    const { decision } = planned;
    this.#seen = JSON.stringify([
      decision.content.caCrt,
      this.#verifiesUpstream ? decision.content.caCrt : undefined,
    ]);
    return { content: decision.content, cause: causeOf(decision) };
  }

  #query<T>(query: CaQuery<T>, onChange: (answer: T) => void): BlockingQuery<T> {
    return new BlockingQuery({
      connection: this.#agent.connect(),
      query,
      waitMs: 600_000,
      clock: this.#clock,
      onChange,
      onResponse: ({ freshness }) => {
        const isSettled = this.#doubtSince !== undefined && this.#clock.now() - this.#doubtSince >= SETTLE_MS;
        if (query.subject === 'roots' && freshness === 'fresh' && isSettled) this.#doubtSince = undefined;
      },
      onError: () => undefined,
      onTimeout: () => undefined,
    });
  }
}
