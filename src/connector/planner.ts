import type { Freshness } from '../consul/freshness.ts';
import type { CertificateAndKey } from '../identity/identity.ts';
import { type DatedBundle, type Plan, plan } from '../identity/policy/plan.ts';
import type { Content, Published } from '../identity/published.ts';
import type { Scope } from '../identity/spiffe-id.ts';
import type { ListedRoots } from '../identity/trust-bundle.ts';
import type { Clock } from '../lib/clock.ts';
import { RootsFreshness } from './roots-freshness.ts';

export interface PlannerOptions {
  /** The Consul service whose leaf is published. */
  readonly service: string;
  /** Where in Consul it is requested, as far as that is configured. */
  readonly scope: Scope;
  /** Whether the gateway verifies its peers with the bundle, so that a change of it reloads the gateway. */
  readonly verifiesUpstream: boolean;
  readonly clock: Clock;
}

/** Keeps what Consul said last, and plans what to do with what is published: for `run`, `once` and `render` alike. */
export class Planner {
  readonly #options: PlannerOptions;
  readonly #rootsFreshness: RootsFreshness;
  #roots: ListedRoots | undefined;
  /** The newest roots that could be used. */
  #usableRoots: ListedRoots | undefined;
  #leaf: CertificateAndKey | undefined;
  #previous: DatedBundle | undefined;
  #settledBundlePem: string | undefined;

  constructor(options: PlannerOptions) {
    this.#options = options;
    this.#rootsFreshness = new RootsFreshness(options.clock);
  }

  setRoots(roots: ListedRoots): void {
    this.#roots = roots;
  }

  setLeaf(leaf: CertificateAndKey): void {
    this.#leaf = leaf;
  }

  /** Takes that Consul answered about its roots; returns whether that may change the plan. */
  rootsAnswered(freshness: Freshness): boolean {
    return this.#rootsFreshness.answered(freshness);
  }

  /** What to do with `published`, as it was just read. */
  plan(published: Published | undefined): Plan {
    const { clock, ...identity } = this.#options;
    this.#rootsFreshness.observe(published);
    const planned = plan({
      ...identity,
      published,
      candidate: this.#leaf,
      roots: this.#roots,
      usableRoots: this.#usableRoots,
      previous: this.#previous,
      settledBundlePem: this.#settledBundlePem,
      confirmAfter: this.#rootsFreshness.confirmAfter,
      at: clock.now(),
    });
    if (planned.kind === 'waiting') return planned;
    if (planned.rootsRejected === undefined) this.#usableRoots = this.#roots;
    this.#previous = planned;
    const { decision } = planned;
    if (decision.kind === 'keep' && decision.bundle.kind === 'unchanged') {
      this.#settledBundlePem = decision.content.caCrt;
    }
    return planned;
  }

  /** Takes that `content` was published. */
  wrote({ caCrt }: Content): void {
    const upstreamCaPem = this.#options.verifiesUpstream ? caCrt : undefined;
    this.#rootsFreshness.wrote({ caPem: caCrt, upstreamCaPem });
    this.#settledBundlePem = caCrt;
  }
}
