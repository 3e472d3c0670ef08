import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMs } from '../test/e2e/support/proc.ts';
import { EmbeddedStage } from './embedded-stage.ts';
import { type Subject, type Subjects, start } from './subject.ts';
import { type Row, times } from './table.ts';

const HOUR_MS = 3_600_000;
const SETTLE_MS = 5_000;

export interface IdleOptions {
  /** How long the processor time is measured, to be scaled to an hour. */
  readonly minutes: number;
  /** How many times as fast as the machine's the hour runs in which requests are counted. */
  readonly speed: number;
}

/** Figure 4: what an hour costs in which nothing changes. */
export async function measureIdle(subjects: Subjects, { minutes, speed }: IdleOptions): Promise<Row[]> {
  const [cpu, cpuOfBaseline] = await Promise.all([
    cpuOfAnHour(subjects.connector, minutes),
    cpuOfAnHour(subjects.baseline, minutes),
  ]);
  const [requests, requestsOfBaseline] = await Promise.all([
    requestsOfAnHour(subjects.connector, speed),
    requestsOfAnHour(subjects.baseline, speed),
  ]);
  const count = (figure: string, of: (asked: Requests) => number): Row =>
    times({ figure, unit: '', connector: of(requests), baseline: of(requestsOfBaseline), atMost: 1.2 });
  return [
    {
      figure: `processor time of an idle hour, from ${minutes} min`,
      unit: 's',
      connector: cpu,
      baseline: cpuOfBaseline,
      goal: '-',
      met: undefined,
    },
    count('requests of an idle hour, to both', ({ consul, kubernetes }) => consul + kubernetes),
    count('requests of an idle hour, to Consul', ({ consul }) => consul),
    {
      ...count('requests of an idle hour, to Kubernetes', ({ kubernetes }) => kubernetes),
      goal: '-',
      met: undefined,
    },
  ];
}

async function cpuOfAnHour(subject: Subject, minutes: number): Promise<number> {
  const ms = minutes * 60_000;
  return idle(subject, 1, async (_, pid) => {
    const before = cpuMs(pid);
    await sleep(ms);
    return ((cpuMs(pid) - before) * HOUR_MS) / ms / 1_000;
  });
}

type Requests = ReturnType<EmbeddedStage['requests']>;

/** A whole hour by the clock of subject and servers. */
async function requestsOfAnHour(subject: Subject, speed: number): Promise<Requests> {
  return idle(subject, speed, async (stage) => {
    const before = stage.requests();
    await sleep(HOUR_MS / speed);
    const after = stage.requests();
    return { consul: after.consul - before.consul, kubernetes: after.kubernetes - before.kubernetes };
  });
}

async function idle<T>(
  subject: Subject,
  speed: number,
  measure: (stage: EmbeddedStage, pid: number) => Promise<T>,
): Promise<T> {
  const stage = await EmbeddedStage.start({ speed });
  const running = start(subject, stage.env);
  try {
    await stage.secrets.first(0);
    await sleep(SETTLE_MS);
    return await measure(stage, running.pid);
  } finally {
    await running.stop();
    await stage.close();
  }
}
