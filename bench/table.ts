/** One figure beside its baseline. */
export interface Row {
  readonly figure: string;
  readonly unit: string;
  readonly connector: number;
  /** Undefined where there is none to compare with. */
  readonly baseline: number | undefined;
  readonly goal: string;
  /** Whether the goal was met; undefined where there is none. */
  readonly met: boolean | undefined;
}

export interface Measured {
  readonly figure: string;
  readonly unit: string;
  readonly connector: number;
  readonly baseline: number;
}

/** A figure that may be at most so many times its baseline, and `plus` more. */
export function times({ atMost, plus = 0, ...measured }: Measured & { atMost: number; plus?: number }): Row {
  const goal = `at most ${atMost} times${plus === 0 ? '' : ` and +${plus} ${measured.unit}`}`;
  return { ...measured, goal, met: measured.connector <= atMost * measured.baseline + plus };
}

/** A figure that may be at most so much above its baseline. */
export function above({ atMost, ...measured }: Measured & { atMost: number }): Row {
  const goal = `at most +${atMost} ${measured.unit}`;
  return { ...measured, goal, met: measured.connector - measured.baseline <= atMost };
}

/** A figure that must be this, and is its own baseline. */
export function exactly(figure: string, connector: number, baseline: number): Row {
  return { figure, unit: '', connector, baseline, goal: 'equal', met: connector === baseline };
}

/** As Markdown, and readable as it is. */
export function markdown(rows: readonly Row[]): string {
  const cells = rows.map(({ figure, unit, connector, baseline, goal, met }) => [
    figure,
    number(connector, unit),
    baseline === undefined ? '-' : number(baseline, unit),
    goal,
    met === undefined ? '-' : met ? 'met' : '**missed**',
  ]);
  return lines([['figure', 'connector', 'baseline', 'goal', ''], ...cells]);
}

/** The first line is the head. */
export function lines(cells: readonly (readonly string[])[]): string {
  const widths = cells[0]?.map((_, column) => Math.max(3, ...cells.map((line) => line[column]?.length ?? 0)));
  const padded = cells.map((line) => line.map((cell, column) => cell.padEnd(widths?.[column] ?? 0)));
  const rule = widths?.map((width) => '-'.repeat(width)) ?? [];
  const [head = [], ...body] = padded;
  return [head, rule, ...body].map((line) => `| ${line.join(' | ')} |`).join('\n');
}

function number(value: number, unit: string): string {
  const digits = Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${value.toFixed(digits)}${unit === '' ? '' : ` ${unit}`}`;
}
