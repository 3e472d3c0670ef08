import { median } from '../e2e/support/statistics.ts';
import type { Measured } from './hands.ts';
import type { Sample } from './probe.ts';

const WARM_UP = 1 / 3;

/**
 * The growth after the warm-up, the first third of the samples, in KiB: by least squares, with one standard error (neighbouring
 * samples are correlated, so the true one is larger); and the median of the last third of the rest less that of its first third.
 */
export function growthOf(measured: readonly Measured[], of: (sample: Sample) => number) {
  const warm = measured.slice(Math.floor(measured.length * WARM_UP));
  const sizes = warm.map(({ sample }) => of(sample));
  const third = Math.ceil(sizes.length / 3);
  const { slope, standardError } = lineThrough(
    warm.map(({ changes }) => changes / 1_000),
    sizes,
  );
  return {
    perThousandChanges: round(slope),
    standardError: round(standardError),
    total: round(median(sizes.slice(-third)) - median(sizes.slice(0, third))),
    samples: sizes.length,
  };
}

function lineThrough(xs: readonly number[], ys: readonly number[]) {
  const [meanX, meanY] = [sum(xs) / xs.length, sum(ys) / ys.length];
  const spread = sum(xs.map((x) => (x - meanX) ** 2));
  const slope = sum(xs.map((x, at) => (x - meanX) * ((ys[at] ?? 0) - meanY))) / spread;
  const residuals = sum(xs.map((x, at) => ((ys[at] ?? 0) - meanY - slope * (x - meanX)) ** 2));
  return { slope, standardError: Math.sqrt(residuals / (xs.length - 2) / spread) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
