import type { Published } from '../identity/policy/decide.ts';
import type { Clock } from '../lib/clock.ts';

/** Agents hear of a new root at about the same time, and not at the same. */
const SETTLE_MS = 1_000;

type Bundles = Pick<Published, 'caPem' | 'upstreamCaPem'>;

/**
 * Whether what Consul said of its roots may be older than what somebody else published since: another replica's agent
 * was the first to hear of a rotation, or ours has lost its servers.
 */
export class Doubt {
  readonly #clock: Clock;
  #seen: string | undefined;
  /** Undefined where there is none. At first there is one, since when does not matter. */
  #since: number | undefined = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** From when on it is worth asking Consul, in milliseconds since the epoch; undefined where there is no doubt. */
  get until(): number | undefined {
    return this.#since === undefined ? undefined : this.#since + SETTLE_MS;
  }

  /** What is published now; where it is not what this saw or wrote last, somebody else has changed it. */
  saw(published: Bundles | undefined): void {
    const bundles = textOf(published);
    if (this.#seen !== undefined && bundles !== this.#seen) this.#since = this.#clock.now();
    this.#seen = bundles;
  }

  wrote(published: Bundles): void {
    this.#seen = textOf(published);
  }

  /** Takes that Consul answered about its roots, from a cache of that age; says whether that ended the doubt. */
  heard(ageSeconds: number | undefined): boolean {
    if (this.#since === undefined || (ageSeconds !== undefined && ageSeconds > 0)) return false;
    const waited = this.#clock.now() - this.#since;
    // Less than none: the clock was set back.
    if (waited >= 0 && waited < SETTLE_MS) return false;
    this.#since = undefined;
    return true;
  }
}

function textOf(published: Bundles | undefined): string {
  return JSON.stringify([published?.caPem ?? '', published?.upstreamCaPem ?? '']);
}
