import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { takeSample } from '../test/soak/probe.ts';
import { sideBySide, thenEnd } from './cleanup.ts';
import { EmbeddedStage } from './embedded-stage.ts';
import { changeOften, MEMORY_SPEED } from './memory.ts';
import { whileRunning } from './process.ts';
import { type Subject, type Subjects, start } from './subject.ts';
import type { Row } from './table.ts';

const SETTLE_MS = 3_000;
const MAX_MIB = 1;
const PROBE = new URL('../test/soak/probe.mjs', import.meta.url).href;

/** The growth of the heap over changes, after garbage collection by a probe that is loaded into the process. */
export async function measureHeap({ connector, baseline }: Subjects, changes: number): Promise<Row> {
  const [grown, ofBaseline] = await sideBySide(growthMiB(connector, changes), growthMiB(baseline, changes));
  return {
    figure: `growth of the heap over the last ${changes - changes / 10} changes`,
    unit: 'MiB',
    connector: grown,
    baseline: ofBaseline,
    goal: `under ${MAX_MIB} MiB`,
    met: grown < MAX_MIB,
  };
}

/** Measured from a tenth of the changes on: by then all code is compiled and most hot code optimized. */
async function growthMiB(subject: Subject, changes: number): Promise<number> {
  const stage = await EmbeddedStage.start({ speed: MEMORY_SPEED });
  const folder = await mkdtemp(join(tmpdir(), 'bench-heap-'));
  const file = join(folder, 'probe.jsonl');
  const running = start(subject, {
    ...stage.env,
    NODE_OPTIONS: `${stage.env['NODE_OPTIONS']} --import=${PROBE}`,
    SOAK_PROBE: file,
  });
  const heapKiB = async (): Promise<number> => {
    await sleep(SETTLE_MS);
    return (await takeSample(running.pid, file)).heapKiB;
  };
  return thenEnd(
    () =>
      whileRunning([running], async () => {
        await stage.secrets.first(0);
        await changeOften(stage, changes / 10);
        const warm = await heapKiB();
        await changeOften(stage, changes - changes / 10);
        return ((await heapKiB()) - warm) / 1024;
      }),
    () => stage.close(),
    () => rm(folder, { recursive: true }),
  );
}
