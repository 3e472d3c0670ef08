import { setTimeout as sleep } from 'node:timers/promises';
import { peakRssMiB, pssMiB, rssMiB } from '../test/e2e/support/proc.ts';
import { median } from '../test/e2e/support/statistics.ts';
import { sideBySide, thenEnd } from './cleanup.ts';
import { EmbeddedStage } from './embedded-stage.ts';
import { whileRunning } from './process.ts';
import { changeOnce, type Stage } from './stage.ts';
import { type Subject, type Subjects, start } from './subject.ts';
import { above, informative, type Row } from './table.ts';

export interface MemoryOptions {
  /** The number of processes for each median. */
  readonly processes: number;
  readonly changes: number;
}

export interface Memory {
  readonly afterStart: Row;
  readonly afterChanges: Row;
  /** Without a goal: shared memory counted proportionally, and the peak. */
  readonly others: readonly Row[];
}

export interface Held {
  readonly rss: number;
  readonly pss: number;
  readonly peak: number;
}

/** The connector queries Consul at most once per second of its own time, which is therefore accelerated during changes. */
export const MEMORY_SPEED = 30;
/** V8 collects the garbage of a burst eight seconds after it, but only if the heap has grown by more than 10 MiB. */
const SETTLE_MS = 20_000;
const SAMPLES = 5;
const BETWEEN_SAMPLES_MS = 1_000;
const AT_MOST_MIB = 3;

/**
 * Figure 3: the memory of each process as seen by the operating system, after the start and after the changes. Garbage collection
 * is not forced, and nothing is loaded into the process except, for the changes, the accelerated time.
 */
export async function measureMemory(
  { connector, baseline }: Subjects,
  { processes, changes }: MemoryOptions,
): Promise<Memory> {
  const both = async (of: (subject: Subject) => Promise<Held>): Promise<[Held, Held]> =>
    sideBySide(of(connector), of(baseline));
  const first = await both((subject) => heldBy(subject, processes, 0));
  const last = await both((subject) => heldBy(subject, processes, changes));
  const names = {
    rss: 'resident memory after',
    pss: 'proportional memory (PSS) after',
    peak: 'peak resident memory after',
  };
  const measured = (what: string, [held, ofBaseline]: [Held, Held], of: keyof Held) => ({
    figure: `${names[of]} ${what}`,
    unit: 'MiB',
    connector: held[of],
    baseline: ofBaseline[of],
  });
  const inTheEnd = `${changes} changes`;
  return {
    afterStart: above({ ...measured('start', first, 'rss'), atMost: AT_MOST_MIB }),
    afterChanges: above({ ...measured(inTheEnd, last, 'rss'), atMost: AT_MOST_MIB }),
    others: [
      informative(measured('start', first, 'pss')),
      informative(measured(inTheEnd, last, 'pss')),
      informative(measured(inTheEnd, last, 'peak')),
    ],
  };
}

/** The median of several processes: they differ by some 5 MiB, because V8 does not always collect the garbage of a burst. */
async function heldBy(subject: Subject, processes: number, changes: number): Promise<Held> {
  const held: Held[] = [];
  while (held.length < processes) {
    const stage = await EmbeddedStage.start(changes === 0 ? {} : { speed: MEMORY_SPEED });
    held.push(await heldAfter(subject, stage, changes));
  }
  return medianOf(held);
}

async function heldAfter(subject: Subject, stage: Stage, changes: number): Promise<Held> {
  const running = start(subject, stage.env);
  return thenEnd(
    () =>
      whileRunning([running], async () => {
        await stage.secrets.first(0);
        await changeOften(stage, changes);
        await sleep(SETTLE_MS);
        return sampled(running.pid);
      }),
    () => stage.close(),
  );
}

/** As fast as the subject can follow. */
export async function changeOften(stage: Stage, changes: number): Promise<void> {
  for (let change = 0; change < changes; change += 1) {
    await stage.waiting();
    await changeOnce(stage);
  }
}

/** Over five seconds, which may include one or two garbage collections. */
export async function sampled(pid: number): Promise<Held> {
  const samples: Held[] = [];
  while (samples.length < SAMPLES) {
    samples.push({ rss: rssMiB(pid), pss: pssMiB(pid), peak: peakRssMiB(pid) });
    await sleep(BETWEEN_SAMPLES_MS);
  }
  return medianOf(samples);
}

function medianOf(held: readonly Held[]): Held {
  const middle = (of: keyof Held): number => median(held.map((each) => each[of]));
  return { rss: middle('rss'), pss: middle('pss'), peak: middle('peak') };
}
