import { median } from '../e2e/support/statistics.ts';
import type { Measured } from './hands.ts';
import type { Sample } from './probe.ts';

/** How something grew after the warm-up, in KiB. */
export interface Growth {
  readonly perThousandChanges: number;
  /** One standard error of that. Neighbouring samples resemble each other, so the true one is larger. */
  readonly standardError: number;
  readonly perHour: number;
  /** The median of the last third of the samples less that of the first third. */
  readonly total: number;
  readonly samples: number;
}

const WARM_UP = 1 / 3;

/** The straight line by least squares through what is left of the samples without the warm-up, their first third. */
export function growthOf(measured: readonly Measured[], of: (sample: Sample) => number): Growth {
  const warm = measured.slice(Math.floor(measured.length * WARM_UP));
  const sizes = warm.map(({ sample }) => of(sample));
  const third = Math.ceil(sizes.length / 3);
  const byChanges = lineThrough(
    warm.map(({ changes }) => changes / 1_000),
    sizes,
  );
  const byTime = lineThrough(
    warm.map(({ second }) => second / 3_600),
    sizes,
  );
  return {
    perThousandChanges: round(byChanges.slope),
    standardError: round(byChanges.standardError),
    perHour: round(byTime.slope),
    total: round(median(sizes.slice(-third)) - median(sizes.slice(0, third))),
    samples: sizes.length,
  };
}

interface Line {
  readonly slope: number;
  readonly standardError: number;
}

function lineThrough(xs: readonly number[], ys: readonly number[]): Line {
  const [meanX, meanY] = [mean(xs), mean(ys)];
  const spread = sum(xs.map((x) => (x - meanX) ** 2));
  const slope = sum(xs.map((x, at) => (x - meanX) * ((ys[at] ?? 0) - meanY))) / spread;
  const residuals = sum(xs.map((x, at) => ((ys[at] ?? 0) - meanY - slope * (x - meanX)) ** 2));
  return { slope, standardError: Math.sqrt(residuals / (xs.length - 2) / spread) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
