import { whileRunning } from './process.ts';
import type { Stage } from './stage.ts';
import { type Subject, type Subjects, start } from './subject.ts';
import { type Row, spreadOf, times } from './table.ts';
import { inTurn } from './turns.ts';

export interface Starts {
  /** Compared with a baseline that keeps its compiled code, as the connector does. */
  readonly start: Row;
  /** Compared with one that does not, as most programs are shipped. */
  readonly startPlain: Row;
}

/** Figure 1: from the start of the process to the first Secret. */
export async function measureStart(
  where: string,
  stage: Stage,
  subjects: Subjects,
  runs: number,
): Promise<Starts> {
  const { connector, baseline, plainBaseline } = subjects;
  const took = new Map([connector, baseline, plainBaseline].map((subject) => [subject, [] as number[]]));
  for (let run = 0; run < runs; run += 1) {
    for (const [subject, samples] of inTurn([...took], run)) samples.push(await startOnce(stage, subject));
  }
  const row = (figure: string, beside: Subject, atMost: number): Row =>
    times({
      figure: `process start to first Secret, ${where}, ${figure}, ${runs} times`,
      unit: 'ms',
      connector: spreadOf(took.get(connector) ?? []),
      baseline: spreadOf(took.get(beside) ?? []),
      atMost,
    });
  return {
    start: row('both with kept code', baseline, 1.25),
    startPlain: row('the baseline without', plainBaseline, 0.95),
  };
}

async function startOnce(stage: Stage, subject: Subject): Promise<number> {
  await stage.clear();
  const from = performance.now();
  const running = start(subject, stage.env);
  return whileRunning([running], async () => (await stage.secrets.first(from)).at - from);
}
