import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMs } from '../test/e2e/support/proc.ts';
import { sideBySide, thenEnd } from './cleanup.ts';
import { EmbeddedStage } from './embedded-stage.ts';
import { whileRunning } from './process.ts';
import { type Subject, type Subjects, start } from './subject.ts';
import { informative, type Measured, type Row, times } from './table.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const SETTLE_MS = 5_000;
/** With a higher speed, the four seconds for reading a file at the start would be too short on a loaded machine. */
const HOUR_SPEED = 30;

interface Cost {
  /** Of all threads, in milliseconds. */
  readonly cpu: number;
  readonly consul: number;
  readonly kubernetes: number;
  /** New ones to Consul. */
  readonly connections: number;
}

export interface Idle {
  readonly cpu: Row;
  readonly connections: Row;
}

/** Figure 4: the cost of an idle period in the machine's own time. */
export async function measureIdle(subjects: Subjects, minutes: number): Promise<Idle> {
  const beside = await costs(subjects, 1, minutes * MINUTE_MS);
  return {
    cpu: times({
      ...beside(`processor time of an idle minute, of ${minutes} min`, 'ms', ({ cpu }) => cpu / minutes),
      atMost: 2,
    }),
    connections: none(beside(`new connections to Consul, idle for ${minutes} min`, '', connectionsOf)),
  };
}

/** Counts of an idle hour by the clock of subject and servers, which runs faster than the machine's. */
export async function countHour(subjects: Subjects): Promise<Row[]> {
  const beside = await costs(subjects, HOUR_SPEED, HOUR_MS / HOUR_SPEED);
  const requests = (to: string, of: (cost: Cost) => number): Measured =>
    beside(`requests of an idle hour, to ${to}`, '', of);
  return [
    none(beside('new connections to Consul, of an idle hour', '', connectionsOf)),
    times({ ...requests('both', ({ consul, kubernetes }) => consul + kubernetes), atMost: 1.2 }),
    times({ ...requests('Consul', ({ consul }) => consul), atMost: 1.2 }),
    informative(requests('Kubernetes', ({ kubernetes }) => kubernetes)),
  ];
}

const connectionsOf = ({ connections }: Cost): number => connections;

async function costs(
  { connector, baseline }: Subjects,
  speed: number,
  ms: number,
): Promise<(figure: string, unit: string, of: (cost: Cost) => number) => Measured> {
  const [own, ofBaseline] = await sideBySide(idle(connector, speed, ms), idle(baseline, speed, ms));
  return (figure, unit, of) => ({ figure, unit, connector: of(own), baseline: of(ofBaseline) });
}

/** Once warm, it keeps its connections. */
function none(measured: Measured): Row {
  return { ...measured, goal: '0 new', met: measured.connector === 0 };
}

async function idle(subject: Subject, speed: number, ms: number): Promise<Cost> {
  const stage = await EmbeddedStage.start({ speed });
  const running = start(subject, stage.env);
  const soFar = (): Cost => ({
    cpu: cpuMs(running.pid),
    consul: stage.consul.requests.length,
    kubernetes: stage.place.requests.length,
    connections: stage.consul.connections,
  });
  return thenEnd(
    () =>
      whileRunning([running], async () => {
        await stage.secrets.first(0);
        await sleep(SETTLE_MS);
        const before = soFar();
        await sleep(ms);
        const after = soFar();
        return {
          cpu: after.cpu - before.cpu,
          consul: after.consul - before.consul,
          kubernetes: after.kubernetes - before.kubernetes,
          connections: after.connections - before.connections,
        };
      }),
    () => stage.close(),
  );
}
