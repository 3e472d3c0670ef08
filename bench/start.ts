import { median } from '../test/e2e/support/statistics.ts';
import type { Stage } from './stage.ts';
import { type Subject, type Subjects, start } from './subject.ts';
import { type Row, times } from './table.ts';

/** Figure 1: from the start of the process to the first Secret, each subject in turn. */
export async function measureStart(
  stage: Stage,
  { connector, baseline }: Subjects,
  runs: number,
): Promise<Row[]> {
  const took = { connector: [] as number[], baseline: [] as number[] };
  for (let run = 0; run < runs; run += 1) {
    for (const subject of [connector, baseline]) took[subject.name].push(await startOnce(stage, subject));
  }
  return [
    times({
      figure: `process start to first Secret, median of ${runs}`,
      unit: 'ms',
      connector: median(took.connector),
      baseline: median(took.baseline),
      atMost: 1.5,
    }),
  ];
}

async function startOnce(stage: Stage, subject: Subject): Promise<number> {
  await stage.clear();
  const from = performance.now();
  const running = start(subject, stage.env);
  try {
    return (await stage.secrets.first(from)).at - from;
  } finally {
    await running.stop();
  }
}
