import { setTimeout as sleep } from 'node:timers/promises';
import { type Running, whileRunning } from './process.ts';
import { changeOnce, type Stage } from './stage.ts';

/** A participant: a process with its own stage, so that all keep running. */
export interface Participant {
  readonly stage: Stage;
  start(): Running;
}

export interface ChangeOptions {
  readonly changes: number;
  /** The wait after each change in milliseconds, for the work of the process after its write. */
  readonly restMs: number;
}

/** Uncounted changes of each participant: code that has just been loaded is slow. */
const WARM_UP = 10;
const SETTLE_MS = 2_000;

/** The order changes in each round: the second participant finds the machine's caches filled by the first. */
export function inTurn<T>(all: readonly T[], round: number): readonly T[] {
  const from = round % all.length;
  return [...all.slice(from), ...all.slice(0, from)];
}

/** The time until each change was visible, in milliseconds, for each participant. */
export async function changesInTurns(
  participants: readonly Participant[],
  { changes, restMs }: ChangeOptions,
): Promise<number[][]> {
  const taking = participants.map(({ stage }) => ({ stage, took: [] as number[] }));
  await Promise.all(taking.map(({ stage }) => stage.clear()));
  const from = performance.now();
  const running = participants.map((participant) => participant.start());
  await whileRunning(running, async () => {
    await Promise.all(taking.map(({ stage }) => stage.secrets.first(from)));
    await sleep(SETTLE_MS);
    for (let change = 0; change < WARM_UP + changes; change += 1) {
      for (const { stage, took } of inTurn(taking, change)) {
        await stage.waiting();
        const ms = await changeOnce(stage);
        if (change >= WARM_UP) took.push(ms);
        await sleep(restMs);
      }
    }
  });
  return taking.map(({ took }) => took);
}
