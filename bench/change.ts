import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../test/e2e/support/statistics.ts';
import { holdsRoot, type Stage } from './stage.ts';
import { type Subjects, start } from './subject.ts';
import { type Row, times } from './table.ts';

export interface ChangeOptions {
  readonly changes: number;
  /** Rest after each pair, in milliseconds: the connector asks Consul at most once a second of its own time. */
  readonly restMs: number;
}

/** One stage for each subject, so that both run all along and take turns. */
export interface Stages {
  readonly connector: Stage;
  readonly baseline: Stage;
}

const SUBJECTS = ['connector', 'baseline'] as const;
/** Of each subject, before it counts: code that has just been loaded is slow. */
const WARM_UP = 10;

/** Figure 2: from the change of Consul's answer to the Secret as the API server has stored it. */
export async function measureChanges(
  stages: Stages,
  subjects: Subjects,
  options: ChangeOptions,
): Promise<Row[]> {
  const took = { connector: [] as number[], baseline: [] as number[] };
  const running = SUBJECTS.map((name) => start(subjects[name], stages[name].env));
  try {
    await Promise.all(SUBJECTS.map((name) => stages[name].secrets.first(0)));
    await sleep(2_000);
    for (let change = 0; change < WARM_UP + options.changes; change += 1) {
      // Who comes second finds the machine's caches full of the other.
      for (const name of change % 2 === 0 ? SUBJECTS : SUBJECTS.toReversed()) {
        const ms = await changeOnce(stages[name]);
        if (change >= WARM_UP) took[name].push(ms);
      }
      await sleep(options.restMs);
    }
  } finally {
    await Promise.all(running.map((process) => process.stop()));
  }
  const row = (share: number, plus: number): Row =>
    times({
      figure: `Consul's answer changes to Secret stored, p${share * 100} of ${options.changes}`,
      unit: 'ms',
      connector: percentile(took.connector, share),
      baseline: percentile(took.baseline, share),
      atMost: 1.2,
      plus,
    });
  return [row(0.5, 0), row(0.99, 5)];
}

export async function changeOnce(stage: Stage): Promise<number> {
  const { at, rootPem } = await stage.change();
  const stored = await stage.secrets.first(at, (secret) => holdsRoot(secret, rootPem));
  return stored.at - at;
}
