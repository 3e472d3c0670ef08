import { cpuMs } from '../test/e2e/support/proc.ts';
import { median } from '../test/e2e/support/statistics.ts';
import { thenEnd } from './cleanup.ts';
import { EmbeddedStage } from './embedded-stage.ts';
import { whileRunning } from './process.ts';
import { changeOnce } from './stage.ts';
import { type Subjects, start } from './subject.ts';
import { cell, lines, type Spread, spreadOf } from './table.ts';

export interface ChainPoint {
  /** Between the root and the leaf. */
  readonly intermediates: number;
  /** From a new root and leaf to the Secret with both, in milliseconds. */
  readonly change: Spread;
  /** Processor time of a change, in milliseconds. */
  readonly cpuMs: number;
}

const INTERMEDIATES = [0, 1, 2, 3];
const SPEED = 20;
const REST_MS = 100;
const WARM_UP = 10;

/** How the cost of a change grows with the chain of the leaf. */
export async function chainGrowth(
  { connector }: Subjects,
  changes: number,
): Promise<{ table: string; points: ChainPoint[] }> {
  const points: ChainPoint[] = [];
  for (const intermediates of INTERMEDIATES) {
    const stage = await EmbeddedStage.start({ speed: SPEED, consul: { intermediates } });
    const running = start(connector, stage.env);
    const measure = async (): Promise<ChainPoint> => {
      await stage.secrets.first(0);
      const took: number[] = [];
      const cpu: number[] = [];
      for (let change = 0; change < WARM_UP + changes; change += 1) {
        await stage.waiting();
        const before = cpuMs(running.pid);
        const ms = await changeOnce(stage);
        await new Promise((resolve) => setTimeout(resolve, REST_MS));
        if (change < WARM_UP) continue;
        took.push(ms);
        cpu.push(cpuMs(running.pid) - before);
      }
      return { intermediates, change: spreadOf(took), cpuMs: median(cpu) };
    };
    points.push(
      await thenEnd(
        () => whileRunning([running], measure),
        () => stage.close(),
      ),
    );
  }
  const cells = points.map((point) => [
    String(point.intermediates),
    cell(point.change, 'ms'),
    cell(point.cpuMs, 'ms'),
  ]);
  return { table: lines([['intermediates', 'change to Secret', 'CPU a change'], ...cells]), points };
}
