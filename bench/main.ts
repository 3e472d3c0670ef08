/**
 * What the connector costs, each figure beside its baseline (`baseline.ts`) in the same run: npm run bench [-- OPTIONS]
 *
 *   --quick         fewer repetitions, in two minutes
 *   --real          starts and changes against the real Consul and API server
 *   --curve         how it grows with connectors and roots
 *   --json          the table for programs
 *   --write         also into docs/cost.md
 *   --starts, --changes, --memory-changes, --idle-minutes, --churn NUMBER: how much of each
 *
 * Exits with 1 where a count of writes is not exact; the other goals are a report.
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { measureChanges } from './change.ts';
import { growthCurve } from './curve.ts';
import { writeIntoDocs } from './docs.ts';
import { EmbeddedStage } from './embedded-stage.ts';
import { measureIdle } from './idle.ts';
import { measureMemory } from './memory.ts';
import { RealStage } from './real-stage.ts';
import { measureSize } from './size.ts';
import { measureStart } from './start.ts';
import { buildSubjects, type Subjects } from './subject.ts';
import { markdown, type Row } from './table.ts';
import { countWrites } from './writes.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    real: { type: 'boolean', default: false },
    curve: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    starts: { type: 'string' },
    changes: { type: 'string' },
    'memory-changes': { type: 'string' },
    'idle-minutes': { type: 'string' },
    churn: { type: 'string' },
  },
});
const amount = (given: string | undefined, usual: number, quick: number): number =>
  given === undefined ? (values.quick ? quick : usual) : Number(given);

/** Of the embedded servers' and the subjects' time. */
const CHANGE_SPEED = 20;
const CHANGE_REST_MS = 60;
/** The real Consul's time is the machine's: one question a second. */
const REAL_REST_MS = 1_100;

async function embedded(subjects: Subjects): Promise<{ rows: Row[]; exact: boolean }> {
  const stage = await EmbeddedStage.start();
  const starts = await measureStart(stage, subjects, amount(values.starts, 25, 5));
  await stage.close();
  const stages = {
    connector: await EmbeddedStage.start({ speed: CHANGE_SPEED }),
    baseline: await EmbeddedStage.start({ speed: CHANGE_SPEED }),
  };
  const changes = await measureChanges(stages, subjects, {
    changes: amount(values.changes, 500, 60),
    restMs: CHANGE_REST_MS,
  });
  await Promise.all([stages.connector.close(), stages.baseline.close()]);
  const memory = await measureMemory(subjects, amount(values['memory-changes'], 10_000, 300));
  const idle = await measureIdle(subjects, {
    minutes: amount(values['idle-minutes'], 3, 0.2),
    speed: values.quick ? 240 : 60,
  });
  const writes = await countWrites(subjects.connector, amount(values.churn, 60, 10));
  const rows = [...starts, ...changes, ...memory, ...idle, ...writes, ...(await measureSize(subjects))];
  return { rows, exact: writes.every(({ met }) => met) };
}

async function real(subjects: Subjects): Promise<Row[]> {
  const [connector, baseline] = await Promise.all([RealStage.start(), RealStage.start()]);
  try {
    const starts = await measureStart(connector, subjects, amount(values.starts, 15, 3));
    const changes = await measureChanges({ connector, baseline }, subjects, {
      changes: amount(values.changes, 30, 5),
      restMs: REAL_REST_MS,
    });
    return [...starts, ...changes];
  } finally {
    await Promise.all([connector.close(), baseline.close()]);
  }
}

function machine(): string {
  const [processor] = cpus();
  return `${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} x ${processor?.model}`;
}

async function report(name: string, table: string, json: object): Promise<void> {
  const text = `${machine()}\n\n${table}`;
  console.log(values.json ? JSON.stringify({ machine: machine(), ...json }) : text);
  if (values.write) await writeIntoDocs(name, text);
}

const subjects = await buildSubjects();
try {
  if (values.curve) {
    const { table, points } = await growthCurve(subjects, values.quick);
    await report('curve', table, { points });
  } else if (values.real) {
    const rows = await real(subjects);
    await report('real', markdown(rows), { rows });
  } else {
    const { rows, exact } = await embedded(subjects);
    await report('table', markdown(rows), { rows });
    if (!exact) process.exitCode = 1;
  }
} finally {
  await subjects.remove();
}
