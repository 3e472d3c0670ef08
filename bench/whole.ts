import { measureChanges } from './change.ts';
import { sideBySide, thenEnd } from './cleanup.ts';
import { EmbeddedStage } from './embedded-stage.ts';
import { FolderPlace } from './folder-place.ts';
import { measureHeap } from './heap.ts';
import { countHour, measureIdle } from './idle.ts';
import { measureMemory } from './memory.ts';
import type { ApiServer } from './place.ts';
import { measureSize } from './size.ts';
import { measureStart, type Starts } from './start.ts';
import type { Subjects } from './subject.ts';
import { difference, informative, type Measured, quotient, type Row, times } from './table.ts';
import { CHANGE_REST_MS, CHANGE_SPEED } from './turns.ts';
import { warmUp } from './warm-up.ts';
import { countWrites, type Writes } from './writes.ts';

/** The amount of each. */
export interface Amounts {
  readonly starts: number;
  readonly changes: number;
  readonly memoryProcesses: number;
  readonly memoryChanges: number;
  readonly idleMinutes: number;
  readonly churnSeconds: number;
}

/** The connector compared with the baseline, as a quotient or a difference. */
export interface Ratios {
  readonly start: number;
  readonly startPlain: number;
  readonly change: number;
  readonly folderChange: number;
  readonly rssMiB: number;
  readonly rssAfterChangesMiB: number;
  readonly idleCpu: number;
}

export interface Whole {
  readonly ratios: Ratios;
  readonly writes: Writes['counts'];
  readonly rows: readonly Row[];
  /** Whether each occasion cost exactly the expected writes. */
  readonly exact: boolean;
}

/** All figures; those of time are measured one after the other. */
export async function measureAll(subjects: Subjects, server: ApiServer, amounts: Amounts): Promise<Whole> {
  const starts = await startsAt(subjects, server, amounts.starts);
  const change = await changesAt(subjects, server, amounts.changes);
  const folderChange = await changesInFolder(subjects, amounts.changes);
  const held = await measureMemory(subjects, {
    processes: amounts.memoryProcesses,
    changes: amounts.memoryChanges,
  });
  const idled = await measureIdle(subjects, amounts.idleMinutes);
  // Counts can be taken in parallel: they do not depend on time.
  const [heap, hour, writes] = await sideBySide(
    measureHeap(subjects, amounts.memoryChanges),
    countHour(subjects),
    countWrites(subjects.connector, amounts.churnSeconds),
  );
  const { afterStart, afterChanges } = held;
  return {
    ratios: {
      start: quotient(starts.start),
      startPlain: quotient(starts.startPlain),
      change: quotient(change),
      folderChange: quotient(folderChange),
      rssMiB: difference(afterStart),
      rssAfterChangesMiB: difference(afterChanges),
      idleCpu: quotient(idled.cpu),
    },
    writes: writes.counts,
    rows: [
      starts.start,
      starts.startPlain,
      times({ ...change, atMost: 1.5 }),
      informative(folderChange),
      times({ ...folderChange, figure: 'the same, beside a Secret', baseline: change.connector, atMost: 1 }),
      afterStart,
      afterChanges,
      ...held.others,
      heap,
      idled.cpu,
      idled.connections,
      ...hour,
      ...writes.rows,
      ...(await measureSize(subjects)),
    ],
    exact: writes.exact,
  };
}

async function startsAt(subjects: Subjects, server: ApiServer, runs: number): Promise<Starts> {
  const stage = await EmbeddedStage.at(await server.place('starts'));
  const { connector, baseline, plainBaseline } = subjects;
  return thenEnd(
    async () => {
      await warmUp(stage, [connector, baseline, plainBaseline]);
      return measureStart(server.name, stage, subjects, runs);
    },
    () => stage.close(),
  );
}

async function changesAt(
  { connector, baseline }: Subjects,
  server: ApiServer,
  changes: number,
): Promise<Measured> {
  const stageIn = async (namespace: string) =>
    EmbeddedStage.at(await server.place(namespace, CHANGE_SPEED), { speed: CHANGE_SPEED });
  const stages = [await stageIn('connector'), await stageIn('baseline')] as const;
  return thenEnd(
    () =>
      measureChanges(
        {
          figure: `new root and leaf to Secret stored, ${server.name}`,
          connector: { stage: stages[0], subject: connector },
          baseline: { stage: stages[1], subject: baseline },
        },
        { changes, restMs: CHANGE_REST_MS },
      ),
    ...stages.map((stage) => () => stage.close()),
  );
}

async function changesInFolder({ connector, folderBaseline }: Subjects, changes: number): Promise<Measured> {
  const inFolder = async () => EmbeddedStage.at(await FolderPlace.make(), { speed: CHANGE_SPEED });
  const stages = [await inFolder(), await inFolder()] as const;
  return thenEnd(
    async () => {
      await warmUp(stages[1], [folderBaseline]);
      return measureChanges(
        {
          figure: 'new root and leaf to files in a folder',
          connector: { stage: stages[0], subject: connector },
          baseline: { stage: stages[1], subject: folderBaseline },
        },
        { changes, restMs: CHANGE_REST_MS },
      );
    },
    ...stages.map((stage) => () => stage.close()),
  );
}
