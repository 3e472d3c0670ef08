import { setTimeout as sleep } from 'node:timers/promises';
import { thenEnd } from './cleanup.ts';
import { EmbeddedStage } from './embedded-stage.ts';
import { whileRunning } from './process.ts';
import { type Change, isVisible } from './stage.ts';
import { type Subjects, start } from './subject.ts';
import { cell, lines, type Spread, spreadOf } from './table.ts';

export interface Rate {
  readonly perSecond: number;
  /** From the last change of a series to the Secret with its root and leaf, in milliseconds. */
  readonly lastVisible: Spread;
  /** Of the Secret, in a series of five seconds. */
  readonly writes: Spread;
}

const RATES = [1, 10, 50];
const SERIES_S = 5;
/** So that each series finds a connector that may send several queries at once again. */
const REST_MS = 6_000;

/** How soon the last of many changes is visible: the connector sends each query once a second at most, in the machine's own time. */
export async function changeRates(
  { connector }: Subjects,
  series: number,
): Promise<{ table: string; rates: Rate[] }> {
  const rates: Rate[] = [];
  for (const perSecond of RATES) {
    const stage = await EmbeddedStage.start();
    const measure = async (): Promise<Rate> => {
      await stage.secrets.first(0);
      const took: number[] = [];
      const writes: number[] = [];
      while (took.length < series) {
        await sleep(REST_MS);
        const before = stage.place.writes('Secret');
        const last = await changeAt(stage, perSecond);
        const stored = await stage.secrets.first(last.at, (each) => isVisible(each, last));
        took.push(stored.at - last.at);
        writes.push(stage.place.writes('Secret') - before);
      }
      return { perSecond, lastVisible: spreadOf(took), writes: spreadOf(writes) };
    };
    rates.push(
      await thenEnd(
        () => whileRunning([start(connector, stage.env)], measure),
        () => stage.close(),
      ),
    );
  }
  const cells = rates.map((rate) => [
    String(rate.perSecond),
    cell(rate.lastVisible, 'ms'),
    cell(rate.writes, ''),
  ]);
  const head = ['changes a second', 'last change to Secret', `writes in ${SERIES_S} s`];
  return { table: lines([head, ...cells]), rates };
}

/** Changes that often for a series, however long one takes to make; returns the last. */
async function changeAt(stage: EmbeddedStage, perSecond: number): Promise<Change> {
  const from = performance.now();
  for (let change = 1; ; change += 1) {
    const last = await stage.change();
    if (change === perSecond * SERIES_S) return last;
    await sleep(Math.max(0, from + (change * 1_000) / perSecond - performance.now()));
  }
}
