import type { QueryResponse } from '../consul/blocking-query.ts';
import { type PublishedIndex, publishedIndexOf } from '../identity/policy/roots-index.ts';
import type { Published } from '../identity/published.ts';
import type { Clock } from '../lib/clock.ts';

/** Agents receive a new root at slightly different times. */
const SETTLE_MS = 1_000;
/** Versions before 1.0.0 publish no index, and revert roots at once that their own agent has not received yet. */
const FORMER_SETTLE_MS = 5_000;
/** An agent that is behind catches up within this time. If it does not, Consul's index has gone back. */
const BEHIND_MS = 30_000;
/** Each time another replica reverts a write based on that conclusion the wait doubles, up to this. */
const MAX_BEHIND_MS = 3_600_000;
/** A write reverted within this time was reverted by a writer with a different list of roots. */
const UNDONE_WITHIN_MS = 60_000;

export type RootsAnswer = Pick<QueryResponse, 'freshness' | 'index' | 'wentBack' | 'isOutdated'>;

type Bundles = Pick<Published, 'caPem' | 'upstreamCaPem' | 'rootsIndex' | 'upstreamRootsIndex'>;

/**
 * Decides whether Consul's last roots may be older than those that another writer has published since: another replica's agent
 * may have received a change first, or ours may be behind or have lost its servers.
 *
 * Roots changed by another writer are unconfirmed until a fresh answer of Consul a second later. If the index of our roots equals
 * the published one, they are confirmed at once. If it is lower, the wait is longer, because our agent is behind; unless the
 * index was seen to go back, or stays lower for so long that Consul's own index must have gone back.
 */
export class RootsFreshness {
  readonly #clock: Clock;
  #seen: string | undefined;
  /** Since when the published roots are unconfirmed, in milliseconds since the epoch. */
  #unconfirmedSince: number | undefined;
  #index: bigint | undefined;
  #publishedIndex: PublishedIndex | undefined;
  /** Whether the published roots are those of Consul's newest answer. */
  #isListed = false;
  /** Whether each bundle has an index, comparable or not. */
  #hasIndex = true;
  /** The highest published index before it went back. */
  #retractedIndex: bigint | undefined;
  /** Consul's index before it was seen to go back. */
  #wentBackFrom: bigint | undefined;
  /** Whether Consul is queried only once. */
  #isOneShot = false;
  /** When this process last wrote. */
  #wroteAt = Number.NEGATIVE_INFINITY;
  /** The number of our consecutive writes that another writer reverted. */
  #undone = 0;
  /** The published index that we overwrote with a lower one, and the number of times in a row. */
  #superseded: { readonly index: bigint; readonly times: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The index of the last answer. */
  get index(): bigint | undefined {
    return this.#index;
  }

  /** When to query Consul's roots again, in milliseconds since the epoch; undefined if they are confirmed. */
  get confirmAfter(): number | undefined {
    if (this.#unconfirmedSince === undefined || this.#isLevel) return undefined;
    return this.#unconfirmedSince + this.#settleMs;
  }

  /**
   * Records the published content. If it differs from what was last read or written here, another writer has changed it.
   *
   * @param publishedIndex the index of its roots, if it can be compared with Consul's
   * @param isListed whether its roots are those of Consul's newest answer
   */
  observe(
    published: Bundles | undefined,
    publishedIndex: PublishedIndex | undefined,
    isListed: boolean,
  ): void {
    const bundles = textOf(published);
    const now = this.#clock.now();
    const hadIndex = this.#hasIndex;
    this.#hasIndex = published === undefined || publishedIndexOf(published)?.lowest !== undefined;
    // A version that publishes no index may have restored the same text before we read the write in between.
    if (bundles !== this.#seen || (hadIndex && !this.#hasIndex)) {
      const isUndone = now - this.#wroteAt < UNDONE_WITHIN_MS;
      this.#undone = isUndone ? this.#undone + 1 : 0;
      this.#unconfirmedSince = this.#isOneShot ? undefined : now;
    }
    this.#seen = bundles;
    this.#isListed = isListed;
    this.#setPublishedIndex(publishedIndex);
    this.#settle(now);
  }

  wrote(published: Bundles, index: bigint | undefined): void {
    this.#seen = textOf(published);
    this.#isListed = true;
    if (index === undefined) this.#hasIndex = false;
    this.#setPublishedIndex(index === undefined ? undefined : { lowest: index, highest: index });
    this.#unconfirmedSince = undefined;
    this.#wroteAt = this.#clock.now();
  }

  /** For commands that query Consul once: there will be no later answer. */
  takeFirstAnswer(): void {
    this.#isOneShot = true;
  }

  /** Records an answer to the roots query; returns whether it may change the decision. */
  answered({ freshness, index, wentBack, isOutdated }: RootsAnswer): boolean {
    if (isOutdated) return false;
    const before = this.confirmAfter;
    if (wentBack) this.#wentBackFrom = this.#index;
    this.#index = index;
    const now = this.#clock.now();
    this.#settle(now);
    if (freshness === 'fresh') this.#confirm(now);
    return this.confirmAfter !== before;
  }

  #setPublishedIndex(next: PublishedIndex | undefined): void {
    const last = this.#highest;
    const retracted = this.#retractedIndex;
    this.#publishedIndex = next;
    if (next === undefined) return;
    if (last !== undefined && next.highest < last) this.#retractedIndex = last;
    else if (retracted !== undefined && next.highest >= retracted) this.#retractedIndex = undefined;
  }

  #confirm(at: number): void {
    if (this.#unconfirmedSince === undefined) return;
    const waited = at - this.#unconfirmedSince;
    // Negative after the clock was set back.
    if (waited >= 0 && waited < this.#settleMs) return;
    this.#unconfirmedSince = undefined;
    if (this.#predatesRollback) this.#retractedIndex = undefined;
    if (!this.isBehind || this.#highest === undefined) return;
    this.#superseded = { index: this.#highest, times: (this.#superseded?.times ?? 0) + 1 };
  }

  /** Draws the conclusions that follow from the two indexes alone. */
  #settle(now: number): void {
    if (this.#hasReached(this.#wentBackFrom)) this.#wentBackFrom = undefined;
    if (this.#hasReached(this.#superseded?.index)) this.#superseded = undefined;
    const isBehind = this.isBehind && this.#highest !== this.#superseded?.index;
    if (this.#isLevel) this.#unconfirmedSince = undefined;
    else if (this.#predatesRollback || isBehind) this.#unconfirmedSince ??= now;
  }

  get #settleMs(): number {
    if (this.isBehind && !this.#hasGoneBack) {
      return Math.min(MAX_BEHIND_MS, BEHIND_MS * 2 ** (this.#superseded?.times ?? 0));
    }
    if (this.#predatesRollback) return BEHIND_MS;
    // If Consul sends no index, none is published.
    const isFormer = !this.#hasIndex && this.#index !== undefined;
    return Math.min(BEHIND_MS, (isFormer ? FORMER_SETTLE_MS : SETTLE_MS) * 2 ** this.#undone);
  }

  get #highest(): bigint | undefined {
    return this.#publishedIndex?.highest;
  }

  #hasReached(index: bigint | undefined): boolean {
    return this.#index !== undefined && index !== undefined && this.#index >= index;
  }

  /** Whether the published index is one that Consul was seen to go back from. */
  get #hasGoneBack(): boolean {
    return (
      this.#highest !== undefined && this.#wentBackFrom !== undefined && this.#highest <= this.#wentBackFrom
    );
  }

  /** Whether the answer is probably from before Consul's index went back, as seen by another replica. */
  get #predatesRollback(): boolean {
    if (this.#index === undefined || this.#highest === undefined || this.#retractedIndex === undefined)
      return false;
    return this.#index > this.#highest && this.#index <= this.#retractedIndex;
  }

  /** Whether the indexes and the roots are equal. After a restored snapshot, two lists may have one index, which confirms neither. */
  get #isLevel(): boolean {
    const { lowest, highest } = this.#publishedIndex ?? {};
    return this.#isListed && this.#index !== undefined && this.#index === lowest && this.#index === highest;
  }

  /** Whether the published roots have a higher index: ours are older, or Consul's index went back. */
  get isBehind(): boolean {
    return this.#index !== undefined && this.#highest !== undefined && this.#index < this.#highest;
  }
}

function textOf(published: Bundles | undefined): string {
  return JSON.stringify([published?.caPem ?? '', published?.upstreamCaPem ?? '']);
}
