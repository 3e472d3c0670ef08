import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMs } from '../test/e2e/support/proc.ts';
import { type Running, whileRunning } from './process.ts';
import { changeOnce, type Stage } from './stage.ts';

/** A participant: a process with its own stage, so that all keep running. */
export interface Participant {
  readonly stage: Stage;
  start(): Running;
}

/** The changes of one participant, in order. */
export interface Taken {
  /** The time until each was visible, in milliseconds. */
  readonly ms: number[];
  /** The processor time of each, the rest after it included, in milliseconds. */
  readonly cpuMs: number[];
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

/** The speed of Consul's and the subjects' time while they take turns: the connector queries at most once per second. */
export const CHANGE_SPEED = 20;
/** The rest at that speed. */
export const CHANGE_REST_MS = 100;

/** What the changes took, for each participant. */
export async function changesInTurns(
  participants: readonly Participant[],
  { changes, restMs }: ChangeOptions,
): Promise<Taken[]> {
  await Promise.all(participants.map(({ stage }) => stage.clear()));
  const from = performance.now();
  const taking = participants.map((participant) => ({
    stage: participant.stage,
    running: participant.start(),
    taken: { ms: [], cpuMs: [] } as Taken,
  }));
  await whileRunning(
    taking.map(({ running }) => running),
    async () => {
      await Promise.all(taking.map(({ stage }) => stage.secrets.first(from)));
      await sleep(SETTLE_MS);
      for (let change = 0; change < WARM_UP + changes; change += 1) {
        for (const { stage, running, taken } of inTurn(taking, change)) {
          await stage.waiting();
          const before = cpuMs(running.pid);
          const ms = await changeOnce(stage);
          await sleep(restMs);
          if (change < WARM_UP) continue;
          taken.ms.push(ms);
          taken.cpuMs.push(cpuMs(running.pid) - before);
        }
      }
    },
  );
  return taking.map(({ taken }) => taken);
}
