import type { Clock } from '../clock.ts';
import { describeError } from '../errors.ts';
import { lifetimeLeft } from '../identity/certificate.ts';
import type { Identity } from '../identity/identity.ts';

export interface Verdict {
  readonly ok: boolean;
  /** One line a reason, for a person. */
  readonly text: string;
}

/** A published leaf with less of its lifetime left than this makes the daemon unready: before it expires, not after. */
export const UNREADY_BELOW = 0.1;

/** What can stand in the way of a published identity: two queries, the trust in what they say, and two objects. */
export type Part = 'roots' | 'leaf' | 'trust' | 'identity' | 'service';

/** Whether the daemon lives and whether what it published is good. */
export class Health {
  readonly #clock: Clock;
  readonly #longestSilenceMs: number;
  readonly #turns = new Map<string, number>();
  // Solved by the first announcement: a Secret that nobody is told of is not used.
  readonly #problems = new Map<Part, string>([
    ['service', 'the gateway has not been told of the Secret yet'],
  ]);
  #published: Identity | undefined;
  #whyNot = 'nothing is published yet: waiting for Consul and for Kubernetes';

  /** `longestSilenceMs`: how long a healthy loop may take for one turn. */
  constructor(clock: Clock, loops: readonly string[], longestSilenceMs: number) {
    this.#clock = clock;
    this.#longestSilenceMs = longestSilenceMs;
    for (const loop of loops) this.turned(loop);
  }

  turned(loop: string): void {
    this.#turns.set(loop, this.#clock.now());
  }

  published(identity: Identity): void {
    this.#published = identity;
  }

  /** What is published is nothing, or nothing that works. */
  unpublished(why: string): void {
    this.#published = undefined;
    this.#whyNot = why;
  }

  problem(part: Part, problem: unknown): void {
    const { error, remedy } = describeError(problem);
    this.#problems.set(part, remedy === undefined ? error : `${error}: ${remedy}`);
  }

  solved(part: Part): void {
    this.#problems.delete(part);
  }

  /** `/livez`: the loops turn. Nothing that Consul or Kubernetes do makes it fail. */
  liveness(): Verdict {
    const now = this.#clock.now();
    const stuck = [...this.#turns].filter(([, at]) => now - at > this.#longestSilenceMs);
    if (stuck.length === 0) return { ok: true, text: 'ok' };
    return {
      ok: false,
      text: stuck.map(([loop, at]) => `${loop} has not turned for ${now - at} ms`).join('\n'),
    };
  }

  /**
   * `/readyz`: an identity that works is published, will not expire soon, and the gateway is told of it. That Consul is
   * away is said, but does not make the daemon unready while what is published is good.
   */
  readiness(): Verdict {
    const failures = this.#failures();
    const consul = this.#describe(['roots', 'leaf', 'trust']);
    if (failures.length > 0) return { ok: false, text: [...failures, ...consul].join('\n') };
    return { ok: true, text: ['ok', ...consul].join('\n') };
  }

  #failures(): string[] {
    const problems = this.#describe(['identity', 'service']);
    if (this.#published === undefined) return [this.#whyNot, ...problems];
    const { leaf } = this.#published;
    const left = lifetimeLeft(leaf, this.#clock.now());
    if (left >= UNREADY_BELOW) return problems;
    const expires = new Date(leaf.notAfter).toISOString();
    return [`the published leaf ${left < 0 ? 'expired' : 'expires'} at ${expires}`, ...problems];
  }

  #describe(parts: readonly Part[]): string[] {
    return parts.flatMap((part) => {
      const text = this.#problems.get(part);
      return text === undefined ? [] : [`${part}: ${text}`];
    });
  }
}
