import type { Clock } from '../lib/clock.ts';

const REPEAT_MS = 5 * 60_000;
/** Bounds log and memory if the text differs each time. */
const MAX_REPORTED = 20;

interface Problem {
  /** By the monotonic clock, like the times in `reported`. */
  readonly since: number;
  /** When each text was last reported, the latest last. */
  readonly reported: Map<string, number>;
}

/** Decides which occurrences of a problem are logged: the first, each change, and one every five minutes. */
export class LastingProblems {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #problems = new Map<string, Problem>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Records that `subject` has the problem `text`, and returns whether to report it now. */
  isDue(subject: string, text: string): boolean {
    const now = this.#clock.monotonic();
    const problem = this.#problems.get(subject) ?? { since: now, reported: new Map() };
    this.#problems.set(subject, problem);
    const { reported } = problem;
    const isFull = reported.size >= MAX_REPORTED;
    const reportedAt = reported.get(text) ?? (isFull ? [...reported.values()].at(-1) : undefined);
    if (reportedAt !== undefined && now - reportedAt < REPEAT_MS) return false;
    const [oldest] = reported.keys();
    if (isFull && oldest !== undefined) reported.delete(oldest);
    reported.delete(text);
    reported.set(text, now);
    return true;
  }

  has(subject: string): boolean {
    return this.#problems.has(subject);
  }

  /** Records that `subject` has no problem; returns how long it had one in milliseconds, undefined if it had none. */
  end(subject: string): number | undefined {
    const problem = this.#problems.get(subject);
    if (problem === undefined) return undefined;
    this.#problems.delete(subject);
    return this.#clock.monotonic() - problem.since;
  }
}
