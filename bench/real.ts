import { measureChanges } from './change.ts';
import { thenEnd } from './cleanup.ts';
import type { ApiServer } from './place.ts';
import { RealStage } from './real-stage.ts';
import { measureStart } from './start.ts';
import type { Subjects } from './subject.ts';
import { type Row, times } from './table.ts';
import { warmUp } from './warm-up.ts';

/** The wait after each change; the total wait of both depends on the stage. */
const REST_MS = 100;
const WHERE = 'real Consul and API server';

/** Starts and changes with a real Consul for each subject, and a real API server for both. */
export async function measureReal(
  subjects: Subjects,
  server: ApiServer,
  { starts, changes }: { readonly starts: number; readonly changes: number },
): Promise<Row[]> {
  const { connector, baseline, plainBaseline } = subjects;
  const own = await RealStage.at(await server.place('connector'));
  const ofBaseline = await RealStage.at(await server.place('baseline'));
  return thenEnd(
    async () => {
      await warmUp(own, [connector, baseline, plainBaseline]);
      const { start, startPlain } = await measureStart(WHERE, own, subjects, starts);
      await own.clear();
      const change = await measureChanges(
        {
          figure: `new root to Secret stored, ${WHERE}`,
          connector: { stage: own, subject: connector },
          baseline: { stage: ofBaseline, subject: baseline },
        },
        { changes, restMs: REST_MS },
      );
      return [start, startPlain, times({ ...change, atMost: 1.5 })];
    },
    () => own.close(),
    () => ofBaseline.close(),
  );
}
