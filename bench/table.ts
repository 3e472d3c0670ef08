import { percentile } from '../test/e2e/support/statistics.ts';

/** The distribution of many samples. */
export interface Spread {
  readonly min: number;
  readonly p50: number;
  readonly p95: number;
}

export type Value = number | Spread;

/** One figure with its baseline. */
export interface Row {
  readonly figure: string;
  readonly unit: string;
  readonly connector: Value;
  /** Undefined if there is none for comparison. */
  readonly baseline: Value | undefined;
  readonly goal: string;
  /** Whether the goal was met; undefined if there is none. */
  readonly met: boolean | undefined;
}

export interface Measured {
  readonly figure: string;
  readonly unit: string;
  readonly connector: Value;
  readonly baseline: Value;
}

export function spreadOf(samples: readonly number[]): Spread {
  return { min: Math.min(...samples), p50: percentile(samples, 0.5), p95: percentile(samples, 0.95) };
}

/** A figure whose goal is a maximum multiple of its baseline; at the median if there are samples. */
export function times({ atMost, ...measured }: Measured & { atMost: number }): Row {
  const goal = `at most ${atMost} times${typeof measured.connector === 'number' ? '' : ' at p50'}`;
  return { ...measured, goal, met: quotient(measured) <= atMost };
}

/** A figure whose goal is a maximum difference from its baseline. */
export function above({ atMost, ...measured }: Measured & { atMost: number }): Row {
  return { ...measured, goal: `at most +${atMost} ${measured.unit}`, met: difference(measured) <= atMost };
}

/** A figure that must equal its baseline. */
export function exactly(figure: string, connector: number, baseline: number): Row {
  return { figure, unit: '', connector, baseline, goal: 'equal', met: connector === baseline };
}

/** A figure without a goal. */
export function informative(measured: Measured): Row {
  return { ...measured, goal: '-', met: undefined };
}

/** The figure as a multiple of its baseline, rounded as printed. */
export function quotient({ connector, baseline }: Pick<Row, 'connector' | 'baseline'>): number {
  return rounded(middle(connector) / middle(baseline));
}

/** The difference of a figure from its baseline. */
export function difference({ connector, baseline }: Pick<Row, 'connector' | 'baseline'>): number {
  return rounded(middle(connector) - middle(baseline));
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}

function middle(value: Value | undefined): number {
  return typeof value === 'object' ? value.p50 : (value ?? Number.NaN);
}

/** As Markdown that is also readable as text. Samples are shown as minimum / p50 / p95. */
export function markdown(rows: readonly Row[]): string {
  const cells = rows.map(({ figure, unit, connector, baseline, goal, met }) => [
    figure,
    cell(connector, unit),
    cell(baseline, unit),
    goal,
    met === undefined ? '-' : met ? 'met' : '**missed**',
  ]);
  return lines([['figure', 'connector', 'baseline', 'goal', ''], ...cells]);
}

/** The first line is the header. */
export function lines(cells: readonly (readonly string[])[]): string {
  const widths = cells[0]?.map((_, column) => Math.max(3, ...cells.map((line) => line[column]?.length ?? 0)));
  const padded = cells.map((line) => line.map((cell, column) => cell.padEnd(widths?.[column] ?? 0)));
  const rule = widths?.map((width) => '-'.repeat(width)) ?? [];
  const [head = [], ...body] = padded;
  return [head, rule, ...body].map((line) => `| ${line.join(' | ')} |`).join('\n');
}

/** With its unit; `-` if there is none. */
export function cell(value: Value | undefined, unit: string): string {
  if (value === undefined) return '-';
  const numbers = typeof value === 'number' ? [value] : [value.min, value.p50, value.p95];
  return `${numbers.map(number).join(' / ')}${unit === '' ? '' : ` ${unit}`}`;
}

function number(value: number): string {
  return value.toFixed(Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
}
