import type { Freshness } from '../consul/freshness.ts';
import type { Published } from '../identity/published.ts';
import type { Clock } from '../lib/clock.ts';

/** Agents receive a new root at about the same time, and not at the same. */
const SETTLE_MS = 1_000;

type Bundles = Pick<Published, 'caPem' | 'upstreamCaPem'>;

/**
 * Whether Consul's roots may be older than what another writer has published since: another replica's agent was the first to
 * receive a rotation, or ours has lost its servers.
 */
export class RootsFreshness {
  readonly #clock: Clock;
  #seen: string | undefined;
  /** Undefined once confirmed. At first nothing is, since when does not matter. */
  #unconfirmedSince: number | undefined = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** When to query Consul's roots again, in milliseconds since the epoch; undefined where they are confirmed. */
  get confirmAfter(): number | undefined {
    return this.#unconfirmedSince === undefined ? undefined : this.#unconfirmedSince + SETTLE_MS;
  }

  /** Takes what is published now; where it is not what was last read or written here, another writer has changed it. */
  observe(published: Bundles | undefined): void {
    const bundles = textOf(published);
    if (this.#seen !== undefined && bundles !== this.#seen) this.#unconfirmedSince = this.#clock.now();
    this.#seen = bundles;
  }

  wrote(published: Bundles): void {
    this.#seen = textOf(published);
  }

  /** Takes that Consul answered about its roots; returns whether that confirmed them. */
  answered(freshness: Freshness): boolean {
    if (this.#unconfirmedSince === undefined || freshness !== 'fresh') return false;
    const waited = this.#clock.now() - this.#unconfirmedSince;
    // Less than none: the clock was set back.
    if (waited >= 0 && waited < SETTLE_MS) return false;
    this.#unconfirmedSince = undefined;
    return true;
  }
}

function textOf(published: Bundles | undefined): string {
  return JSON.stringify([published?.caPem ?? '', published?.upstreamCaPem ?? '']);
}
