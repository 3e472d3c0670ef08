import { describeError } from '../errors.ts';
import { type Identity, lifetimeLeft } from '../identity/identity.ts';
import { UNREADY_BELOW } from '../identity/policy/thresholds.ts';
import type { TrustBundle } from '../identity/trust-bundle.ts';
import type { Clock } from '../lib/clock.ts';

export interface Verdict {
  readonly ok: boolean;
  /** One line a reason, for a person. */
  readonly text: string;
}

/** What makes the daemon unready: nothing that works is published, it is about to expire, or an object cannot be kept. */
export const UNREADY_REASONS = ['unpublished', 'expiring', 'identity', 'service'] as const;
export type UnreadyReason = (typeof UNREADY_REASONS)[number];

export interface Readiness extends Verdict {
  /** Empty where it is ready. */
  readonly reasons: readonly UnreadyReason[];
}

const NOT_YET = 'nothing is published yet: waiting for Consul and for Kubernetes';

/**
 * What can stand in the way of a published identity: two queries, the trust in what they say, the leaf they offer, two
 * objects, and the watch of each.
 */
export type Component = 'roots' | 'leaf' | 'trust' | 'candidate' | 'identity' | 'service' | `watch ${string}`;

export interface Problem {
  readonly code: string | undefined;
  readonly error: string;
  readonly remedy: string | undefined;
  /** When this code was first met in a row, in milliseconds since the epoch. */
  readonly since: number;
}

/** Who answers: Consul to its two queries, the API server. */
export type Source = 'roots' | 'leaf' | 'kubernetes';

export interface LastAnswer {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** How old the answer was then, where it was stale. */
  readonly staleSeconds: number | undefined;
}

/** The trust bundle made of Consul's roots, and until when it waits to be published, if it does. */
export interface Trust {
  readonly bundle: TrustBundle;
  /** Milliseconds since the epoch. */
  readonly bundleDeferredUntil: number | undefined;
}

/** What is known at one time, for a page: it holds no key. */
export interface Snapshot {
  readonly ready: Readiness;
  readonly published: PublishedIdentity | undefined;
  /** Why what is published does not work; undefined as well where it was not looked at yet. */
  readonly unpublishedReason: string | undefined;
  readonly trust: Trust | undefined;
  readonly problems: ReadonlyMap<Component, Problem>;
  readonly lastAnswers: ReadonlyMap<Source, LastAnswer>;
}

/** A published identity without its key. */
export type PublishedIdentity = Pick<Identity, 'spiffeId' | 'leaf' | 'chain' | 'notAfter'>;

/** Whether the daemon lives and whether what it published is good. */
export class Health {
  readonly #clock: Clock;
  readonly #longestSilenceMs: number;
  readonly #turns = new Map<string, number>();
  readonly #problems = new Map<Component, Problem>();
  readonly #lastAnswers = new Map<Source, LastAnswer>();
  readonly #listeners = new Set<() => void>();
  #published: PublishedIdentity | undefined;
  #unpublishedReason: string | undefined;
  #trust: Trust | undefined;

  /** `longestSilenceMs`: how long a healthy loop may take for one turn. */
  constructor(clock: Clock, loops: readonly string[], longestSilenceMs: number) {
    this.#clock = clock;
    this.#longestSilenceMs = longestSilenceMs;
    for (const loop of loops) this.heartbeat(loop);
    // Solved by the first announcement: a Secret that nobody is told of is not used.
    const error = 'the gateway has not been told of the Secret yet';
    this.#problems.set('service', { error, code: undefined, remedy: undefined, since: clock.now() });
  }

  heartbeat(loop: string): void {
    this.#turns.set(loop, this.#clock.monotonic());
  }

  setPublished({ spiffeId, leaf, chain, notAfter }: Identity): void {
    this.#published = { spiffeId, leaf, chain, notAfter };
    this.#unpublishedReason = undefined;
    this.#notify();
  }

  /** What is published is nothing, or nothing that works. */
  setUnpublished(why: string): void {
    this.#published = undefined;
    this.#unpublishedReason = why;
    this.#notify();
  }

  setTrustBundle(bundle: TrustBundle, bundleDeferredUntil: number | undefined): void {
    this.#trust = { bundle, bundleDeferredUntil };
    this.#notify();
  }

  setProblem(part: Component, problem: unknown): void {
    const { code, error, remedy } = describeError(problem);
    const before = this.#problems.get(part);
    const since = before?.code === code ? before.since : this.#clock.now();
    this.#problems.set(part, { code, error, remedy, since });
    this.#notify();
  }

  clearProblem(part: Component): void {
    if (this.#problems.delete(part)) this.#notify();
  }

  /** An answer that can be used. */
  recordAnswer(source: Source, staleSeconds?: number): void {
    this.#lastAnswers.set(source, { at: this.#clock.now(), staleSeconds });
    this.#notify();
  }

  snapshot(): Snapshot {
    return {
      ready: this.readiness(),
      published: this.#published,
      unpublishedReason: this.#unpublishedReason,
      trust: this.#trust,
      problems: new Map(this.#problems),
      lastAnswers: new Map(this.#lastAnswers),
    };
  }

  /** Calls `listener` whenever the next snapshot may differ, until the returned function is called. It must not throw. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** `/livez`: the loops turn. Nothing that Consul or Kubernetes do makes it fail, nor does a clock that is set. */
  liveness(): Verdict {
    const now = this.#clock.monotonic();
    const stuck = [...this.#turns].filter(([, at]) => now - at > this.#longestSilenceMs);
    if (stuck.length === 0) return { ok: true, text: 'ok' };
    return {
      ok: false,
      text: stuck.map(([loop, at]) => `${loop} has not turned for ${Math.round(now - at)} ms`).join('\n'),
    };
  }

  /**
   * `/readyz`: an identity that works is published, will not expire soon, and the gateway is told of it. That Consul is
   * away is said, but does not make the daemon unready while what is published is good.
   */
  readiness(): Readiness {
    const failures = this.#failures();
    const consul = this.#describe(['roots', 'leaf', 'trust']);
    const first = failures.length === 0 ? ['ok'] : failures.map(([, text]) => text);
    return {
      ok: failures.length === 0,
      text: [...first, ...consul].join('\n'),
      reasons: failures.map(([reason]) => reason),
    };
  }

  #failures(): (readonly [UnreadyReason, string])[] {
    const problems = (['identity', 'service'] as const).flatMap((part) =>
      this.#describe([part]).map((text) => [part, text] as const),
    );
    if (this.#published === undefined) {
      return [['unpublished', this.#unpublishedReason ?? NOT_YET], ...problems];
    }
    const left = lifetimeLeft(this.#published, this.#clock.now());
    if (left >= UNREADY_BELOW) return problems;
    const expires = new Date(this.#published.notAfter).toISOString();
    return [
      ['expiring', `the published leaf ${left < 0 ? 'expired' : 'expires'} at ${expires}`],
      ...problems,
    ];
  }

  #describe(parts: readonly Component[]): string[] {
    return parts.flatMap((part) => {
      const problem = this.#problems.get(part);
      if (problem === undefined) return [];
      const { error, remedy } = problem;
      return [remedy === undefined ? `${part}: ${error}` : `${part}: ${error}: ${remedy}`];
    });
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}
