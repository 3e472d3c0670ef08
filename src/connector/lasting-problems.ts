import type { Clock } from '../lib/clock.ts';

const REPEAT_MS = 5 * 60_000;
/** Bounds log and memory where it is another one each time. */
const MAX_TOLD = 20;

interface Problem {
  /** By the monotonic clock, as the times in `told`. */
  readonly since: number;
  /** When each text was last told, the latest last. */
  readonly told: Map<string, number>;
}

/** Decides which occurrences of a problem are worth a line of the log: the first, each change, and one every five minutes. */
export class LastingProblems {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #problems = new Map<string, Problem>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Takes that `subject` has the problem `text`, and returns whether that is to be told now. */
  isDue(subject: string, text: string): boolean {
    const now = this.#clock.monotonic();
    const problem = this.#problems.get(subject) ?? { since: now, told: new Map() };
    this.#problems.set(subject, problem);
    const { told } = problem;
    const isFull = told.size >= MAX_TOLD;
    const toldAt = told.get(text) ?? (isFull ? [...told.values()].at(-1) : undefined);
    if (toldAt !== undefined && now - toldAt < REPEAT_MS) return false;
    const [oldest] = told.keys();
    if (isFull && oldest !== undefined) told.delete(oldest);
    told.delete(text);
    told.set(text, now);
    return true;
  }

  has(subject: string): boolean {
    return this.#problems.has(subject);
  }

  /** Takes that `subject` has no problem; returns for how many milliseconds it had one, undefined where it had none. */
  end(subject: string): number | undefined {
    const problem = this.#problems.get(subject);
    if (problem === undefined) return undefined;
    this.#problems.delete(subject);
    return this.#clock.monotonic() - problem.since;
  }
}
