import { setTimeout as sleep } from 'node:timers/promises';
import { whileRunning } from './process.ts';
import type { Stage } from './stage.ts';
import { hasKeptCode, type Subject, start } from './subject.ts';

/** A process keeps its code only if it lived two seconds (src/start.ts). */
const LIVES_MS = 3_000;

/**
 * Runs each once, so that whatever keeps compiled code has kept it before anything is measured.
 *
 * @throws Error when one that keeps code has kept none: it would be measured as what it is not
 */
export async function warmUp(stage: Stage, subjects: readonly Subject[]): Promise<void> {
  for (const subject of subjects) {
    await stage.clear();
    const from = performance.now();
    await whileRunning([start(subject, stage.env)], async () => {
      await stage.secrets.first(from);
      await sleep(LIVES_MS);
    });
    if ((await hasKeptCode(subject)) !== subject.keepsCode) {
      throw new Error(`${subject.name} has ${subject.keepsCode ? 'not kept' : 'kept'} its compiled code`);
    }
  }
}
