import { median } from '../test/e2e/support/statistics.ts';
import { sideBySide, thenEnd } from './cleanup.ts';
import { EmbeddedStage } from './embedded-stage.ts';
import { type Subjects, start } from './subject.ts';
import { cell, lines, type Spread, spreadOf } from './table.ts';
import { CHANGE_REST_MS, CHANGE_SPEED, changesInTurns } from './turns.ts';

export interface ChainPoint {
  /** Between the root and the leaf. */
  readonly intermediates: number;
  /** From a new root and leaf to the Secret with both, in milliseconds. */
  readonly change: Spread;
  /** Processor time of a change, in milliseconds. */
  readonly cpuMs: number;
}

const INTERMEDIATES = [0, 1, 2, 3];

/** How the cost of a change grows with the chain of the leaf. */
export async function chainGrowth(
  { connector }: Subjects,
  changes: number,
): Promise<{ table: string; points: ChainPoint[] }> {
  const stages = await Promise.all(
    INTERMEDIATES.map((intermediates) =>
      EmbeddedStage.start({ speed: CHANGE_SPEED, consul: { intermediates } }),
    ),
  );
  const taken = await thenEnd(
    () =>
      changesInTurns(
        stages.map((stage) => ({ stage, start: () => start(connector, stage.env) })),
        { changes, restMs: CHANGE_REST_MS },
      ),
    () => sideBySide(...stages.map((stage) => stage.close())),
  );
  const points = taken.map(({ ms, cpuMs }, index) => ({
    intermediates: INTERMEDIATES[index] ?? Number.NaN,
    change: spreadOf(ms),
    cpuMs: median(cpuMs),
  }));
  const cells = points.map((point) => [
    String(point.intermediates),
    cell(point.change, 'ms'),
    cell(point.cpuMs, 'ms'),
  ]);
  return { table: lines([['intermediates', 'change to Secret', 'CPU a change'], ...cells]), points };
}
