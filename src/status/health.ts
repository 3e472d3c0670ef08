import { describeError } from '../errors.ts';
import { type Identity, lifetimeLeft } from '../identity/identity.ts';
import { UNREADY_BELOW } from '../identity/policy/thresholds.ts';
import type { TrustBundle } from '../identity/trust-bundle.ts';
import type { Clock } from '../lib/clock.ts';

export interface Verdict {
  readonly ok: boolean;
  /** One line per reason. */
  readonly text: string;
}

/** The reasons to be unready: no valid identity is published, it is about to expire, or an object cannot be maintained. */
export const UNREADY_REASONS = ['unpublished', 'expiring', 'identity', 'service'] as const;
export type UnreadyReason = (typeof UNREADY_REASONS)[number];

export interface Readiness extends Verdict {
  /** Empty if ready. */
  readonly reasons: readonly UnreadyReason[];
}

const NOT_YET = 'nothing is published yet: waiting for Consul and for Kubernetes';

/**
 * The components that can fail: the two queries, the trust bundle, Consul's leaf, the two published objects, and the watch of
 * each object.
 */
export type Component = 'roots' | 'leaf' | 'trust' | 'candidate' | 'identity' | 'service' | `watch ${string}`;

export interface Problem {
  readonly code: string | undefined;
  readonly error: string;
  readonly remedy: string | undefined;
  /** When the problem began with this code, in milliseconds since the epoch. */
  readonly since: number;
}

/** The sources of answers: Consul's two queries, and the API server. */
export type Source = 'roots' | 'leaf' | 'kubernetes';

export interface LastAnswer {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The age of a stale answer. */
  readonly staleSeconds: number | undefined;
}

/** The trust bundle of Consul's roots, and until when its publication is deferred, if it is. */
export interface Trust {
  readonly bundle: TrustBundle;
  /** Milliseconds since the epoch. */
  readonly bundleDeferredUntil: number | undefined;
}

/** The state at one time for the page, without a key. */
export interface Snapshot {
  readonly ready: Readiness;
  readonly published: PublishedIdentity | undefined;
  /** The reason that no valid identity is published; also undefined before the first verification. */
  readonly unpublishedReason: string | undefined;
  readonly trust: Trust | undefined;
  readonly problems: ReadonlyMap<Component, Problem>;
  readonly lastAnswers: ReadonlyMap<Source, LastAnswer>;
}

/** A published identity without its key. */
export type PublishedIdentity = Pick<Identity, 'spiffeId' | 'leaf' | 'chain' | 'notAfter'>;

/** Liveness of the daemon and readiness of the published identity. */
export class Health {
  readonly #clock: Clock;
  readonly #maxSilenceMs: number;
  readonly #heartbeats = new Map<string, number>();
  readonly #problems = new Map<Component, Problem>();
  readonly #lastAnswers = new Map<Source, LastAnswer>();
  readonly #listeners = new Set<() => void>();
  #published: PublishedIdentity | undefined;
  #unpublishedReason: string | undefined;
  #trust: Trust | undefined;

  /** @param maxSilenceMs the longest time between heartbeats of a healthy loop */
  constructor(clock: Clock, loops: readonly string[], maxSilenceMs: number) {
    this.#clock = clock;
    this.#maxSilenceMs = maxSilenceMs;
    for (const loop of loops) this.heartbeat(loop);
    // Cleared once the Service is published: without it the gateway does not use the Secret.
    const error = 'the gateway has not been notified of the identity yet';
    this.#problems.set('service', { error, code: undefined, remedy: undefined, since: clock.now() });
  }

  heartbeat(loop: string): void {
    this.#heartbeats.set(loop, this.#clock.monotonic());
  }

  setPublished({ spiffeId, leaf, chain, notAfter }: Identity): void {
    this.#published = { spiffeId, leaf, chain, notAfter };
    this.#unpublishedReason = undefined;
    this.#notify();
  }

  /** No valid identity is published. */
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

  /** Records a usable answer. */
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

  /** `/livez`: the control loops run. Independent of Consul, Kubernetes and changes of the system clock. */
  liveness(): Verdict {
    const now = this.#clock.monotonic();
    const stuck = [...this.#heartbeats].filter(([, at]) => now - at > this.#maxSilenceMs);
    if (stuck.length === 0) return { ok: true, text: 'ok' };
    return {
      ok: false,
      text: stuck
        .map(([loop, at]) => `${loop} has made no progress for ${Math.round(now - at)} ms`)
        .join('\n'),
    };
  }

  /**
   * `/readyz`: a valid identity is published with its Service, and does not expire soon. Problems with Consul are listed, but do
   * not make the daemon unready while the published identity is valid.
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
