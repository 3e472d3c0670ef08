import { setTimeout as sleep } from 'node:timers/promises';
import { whileRunning } from './process.ts';
import type { Stage } from './stage.ts';
import { hasKeptCode, type Subject, start } from './subject.ts';

/** A process keeps its code only if it has run for two seconds (src/start.ts). */
const LIVES_MS = 3_000;

/**
 * Runs each once, so that every program that keeps compiled code has done so before the measurement.
 *
 * @throws Error if a program that keeps code has kept none, or the reverse: the figures would be wrong
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
