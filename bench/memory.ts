import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Sample, takeSample } from '../test/soak/probe.ts';
import { changeOnce } from './change.ts';
import { EmbeddedStage } from './embedded-stage.ts';
import { type Subject, type Subjects, start } from './subject.ts';
import { above, type Row } from './table.ts';

/** The connector asks Consul at most once a second of its own time, so that runs faster here. */
const SPEED = 50;
const SETTLE_MS = 3_000;
const PROBE = new URL('../test/soak/probe.mjs', import.meta.url).href;

interface Held {
  readonly first: Sample;
  /** After a tenth of the changes: by then all code has been used and compiled. */
  readonly warm: Sample;
  readonly last: Sample;
}

/** Figure 3: what each holds after its garbage was collected, at first and after so many changes of Consul's answer. */
export async function measureMemory(subjects: Subjects, changes: number): Promise<Row[]> {
  const [connector, baseline] = await Promise.all([
    hold(subjects.connector, changes),
    hold(subjects.baseline, changes),
  ]);
  const mib = (kib: number): number => kib / 1024;
  const rss = (figure: string, at: keyof Held): Row =>
    above({
      figure,
      unit: 'MiB',
      connector: mib(connector[at].rssKiB),
      baseline: mib(baseline[at].rssKiB),
      atMost: 25,
    });
  const grown = ({ warm, last }: Held): number => mib(last.heapKiB - warm.heapKiB);
  return [
    rss('resident memory after start', 'first'),
    rss(`resident memory after ${changes} changes`, 'last'),
    {
      figure: `growth of the heap over the last ${changes - changes / 10} changes`,
      unit: 'MiB',
      connector: grown(connector),
      baseline: grown(baseline),
      goal: 'under 1 MiB',
      met: grown(connector) < 1,
    },
  ];
}

async function hold(subject: Subject, changes: number): Promise<Held> {
  const stage = await EmbeddedStage.start({ speed: SPEED });
  const folder = await mkdtemp(join(tmpdir(), 'bench-memory-'));
  const file = join(folder, 'probe.jsonl');
  const running = start(subject, {
    ...stage.env,
    NODE_OPTIONS: `${stage.env['NODE_OPTIONS']} --import=${PROBE}`,
    SOAK_PROBE: file,
  });
  const sample = async (): Promise<Sample> => {
    await sleep(SETTLE_MS);
    return takeSample(running.pid, file);
  };
  const change = async (times: number): Promise<void> => {
    for (let time = 0; time < times; time += 1) await changeOnce(stage);
  };
  try {
    await stage.secrets.first(0);
    const first = await sample();
    await change(changes / 10);
    const warm = await sample();
    await change(changes - changes / 10);
    return { first, warm, last: await sample() };
  } finally {
    await running.stop();
    await stage.close();
    await rm(folder, { recursive: true });
  }
}
