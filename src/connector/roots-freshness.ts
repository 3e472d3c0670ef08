import type { QueryResponse } from '../consul/blocking-query.ts';
import { type PublishedIndex, publishedIndexOf } from '../identity/policy/roots-index.ts';
import type { Published } from '../identity/published.ts';
import type { Clock } from '../lib/clock.ts';

/** Agents receive a new root at about the same time, and not at the same. */
const SETTLE_MS = 1_000;
/** Versions before 1.0.0 publish no index and revert at once what their own agent has not received yet. */
const FORMER_SETTLE_MS = 5_000;
/** An agent that is behind catches up. One that stays behind longer follows a Consul whose index went back. */
const BEHIND_MS = 30_000;
/** Each time another replica reverts that conclusion the wait doubles, up to this. */
const MAX_BEHIND_MS = 3_600_000;
/** A write that is reverted sooner was reverted by a writer with another list of roots. */
const UNDONE_WITHIN_MS = 60_000;

export type RootsAnswer = Pick<QueryResponse, 'freshness' | 'index' | 'wentBack' | 'isOutdated'>;

type Bundles = Pick<Published, 'caPem' | 'upstreamCaPem' | 'rootsIndex' | 'upstreamRootsIndex'>;

/**
 * Whether Consul's roots, as answered here, may be older than what another writer has published since: another replica's
 * agent was the first to receive a change, or ours is behind or has lost its servers.
 *
 * A write of another writer is in doubt until Consul has given a fresh answer a second later. The index of the roots
 * shortens that where it is the one that was published, and lengthens it where it is lower: then the agent is behind,
 * unless it goes on for so long, or the index was seen to go back, that Consul itself must be.
 */
export class RootsFreshness {
  readonly #clock: Clock;
  #seen: string | undefined;
  /** Since when what is published is in doubt, in milliseconds since the epoch. */
  #doubtSince: number | undefined;
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
  /** How many of our writes in a row another writer reverted. */
  #undone = 0;
  /** The published index that we overwrote with a lower one, and how often in a row. */
  #superseded: { readonly index: bigint; readonly times: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The index of the last answer. */
  get index(): bigint | undefined {
    return this.#index;
  }

  /** When to query Consul's roots again, in milliseconds since the epoch; undefined where they are confirmed. */
  get confirmAfter(): number | undefined {
    if (this.#doubtSince === undefined || this.#isLevel) return undefined;
    return this.#doubtSince + this.#settleMs;
  }

  /**
   * Takes what is published now; where it is not what was last read or written here, another writer has changed it.
   *
   * @param publishedIndex that of the roots in it, where it can be compared with Consul's
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
      this.#doubtSince = this.#isOneShot ? undefined : now;
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
    this.#doubtSince = undefined;
    this.#wroteAt = this.#clock.now();
  }

  /** There will be no other answer to wait for. */
  takeFirstAnswer(): void {
    this.#isOneShot = true;
  }

  /** Takes that Consul answered about its roots; returns whether that may change what is decided. */
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
    if (this.#doubtSince === undefined) return;
    const waited = at - this.#doubtSince;
    // Less than none: the clock was set back.
    if (waited >= 0 && waited < this.#settleMs) return;
    this.#doubtSince = undefined;
    if (this.#isOfBefore) this.#retractedIndex = undefined;
    if (!this.isBehind || this.#highest === undefined) return;
    this.#superseded = { index: this.#highest, times: (this.#superseded?.times ?? 0) + 1 };
  }

  /** What follows from the two indexes alone. */
  #settle(now: number): void {
    if (this.#hasReached(this.#wentBackFrom)) this.#wentBackFrom = undefined;
    if (this.#hasReached(this.#superseded?.index)) this.#superseded = undefined;
    const isBehind = this.isBehind && this.#highest !== this.#superseded?.index;
    if (this.#isLevel) this.#doubtSince = undefined;
    else if (this.#isOfBefore || isBehind) this.#doubtSince ??= now;
  }

  get #settleMs(): number {
    if (this.isBehind && !this.#hasGoneBack) {
      return Math.min(MAX_BEHIND_MS, BEHIND_MS * 2 ** (this.#superseded?.times ?? 0));
    }
    if (this.#isOfBefore) return BEHIND_MS;
    // Where Consul gives none, none is published.
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

  /** Whether the answer is probably older than the moment Consul's index went back, which another replica has seen. */
  get #isOfBefore(): boolean {
    if (this.#index === undefined || this.#highest === undefined || this.#retractedIndex === undefined)
      return false;
    return this.#index > this.#highest && this.#index <= this.#retractedIndex;
  }

  /** After a restored snapshot two lists may have one index: then it confirms neither. */
  get #isLevel(): boolean {
    const { lowest, highest } = this.#publishedIndex ?? {};
    return this.#isListed && this.#index !== undefined && this.#index === lowest && this.#index === highest;
  }

  /** Whether what is published was made of roots with a higher index: ours are older, or Consul's index went back. */
  get isBehind(): boolean {
    return this.#index !== undefined && this.#highest !== undefined && this.#index < this.#highest;
  }
}

function textOf(published: Bundles | undefined): string {
  return JSON.stringify([published?.caPem ?? '', published?.upstreamCaPem ?? '']);
}
