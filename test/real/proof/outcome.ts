import type { Sample } from './load.ts';

/** What some requests came to. */
export interface Outcome {
  readonly sent: number;
  readonly failed: number;
  /** Of the failed ones, those that a machine without time for them explains. */
  readonly timedOut: number;
  /** When the other failed requests were sent, the first and the last, in milliseconds since the epoch. */
  readonly failing: readonly [number, number] | undefined;
  /** The first few, each once. */
  readonly reasons: readonly string[];
}

const MAX_REASONS = 3;

export function outcome(samples: readonly Sample[]): Outcome {
  const failed = samples.filter(({ failure }) => failure !== undefined);
  const times = failed.filter(({ timedOut }) => !timedOut).map(({ at }) => at);
  return {
    sent: samples.length,
    failed: failed.length,
    timedOut: failed.length - times.length,
    failing: times.length === 0 ? undefined : [Math.min(...times), Math.max(...times)],
    reasons: [...new Set(failed.map(({ failure = '' }) => failure))].slice(0, MAX_REASONS),
  };
}

/** How many failed otherwise than by the time they took. */
export const refused = ({ failed, timedOut }: Outcome): number => failed - timedOut;
