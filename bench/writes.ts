import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../test/e2e/support/eventually.ts';
import type { EmbeddedConsulOptions } from '../test/fixtures/consul/embedded-consul.ts';
import { sideBySide, thenEnd } from './cleanup.ts';
import { EmbeddedStage } from './embedded-stage.ts';
import type { Running } from './process.ts';
import { type Subject, start } from './subject.ts';
import { exactly, type Row } from './table.ts';

/** Long enough for an unwanted write to happen. */
const SETTLED_MS = 3_000;
const WITHIN_MS = 60_000;

interface Case {
  readonly stage: EmbeddedStage;
  /** Starts another process, or restarts it. */
  start(): Promise<Running>;
  readonly first: Running;
}

export type Occasion = 'renewal' | 'rotation' | 'restart' | 'agentRestart' | 'flap' | 'secondReplica';

export interface Writes {
  readonly counts: Readonly<Record<Occasion, number>>;
  readonly rows: readonly Row[];
  readonly exact: boolean;
}

/** Figure 5: the exact writes of each occasion. All run in parallel, each on its own servers. */
export async function countWrites(connector: Subject, churnSeconds: number): Promise<Writes> {
  const count = (
    act: (given: Case) => Promise<unknown>,
    consul: EmbeddedConsulOptions = {},
  ): Promise<number> => writesOf(connector, act, consul);
  const [renewal, rotation, restart, agentRestart, flap, secondReplica] = await sideBySide(
    // The leaf must outlive a start on a loaded machine, and be renewed once, not twice, before the count.
    count(renew, { leafTtlMs: 16_000 }),
    count(rotate),
    count(async ({ first, start }) => {
      await first.stop();
      await start();
    }),
    count(restartAgent),
    count(({ stage }) => churnLeaf(stage, churnSeconds)),
    count(({ start }) => start()),
  );
  const rows = [
    exactly('writes for a renewal', renewal, 1),
    exactly('writes for a rotation', rotation, 2),
    exactly('writes for a restart', restart, 0),
    exactly('writes for a restart of the agent', agentRestart, 0),
    exactly(`writes for ${churnSeconds} s of a leaf reissued every second`, flap, 0),
    exactly('writes for a second replica', secondReplica, 0),
  ];
  const counts = { renewal, rotation, restart, agentRestart, flap, secondReplica };
  return { counts, rows, exact: rows.every(({ met }) => met) };
}

async function writesOf(
  connector: Subject,
  act: (given: Case) => Promise<unknown>,
  consul: EmbeddedConsulOptions,
): Promise<number> {
  const stage = await EmbeddedStage.start({ consul });
  const running: Running[] = [];
  const startOne = async (): Promise<Running> => {
    const before = stage.consul.requests.length;
    const one = start(connector, stage.env);
    running.push(one);
    // With an index both queries block: the subject has received everything.
    const hasReceivedAll = eventually(
      'both queries block',
      () => stage.consul.requests.slice(before).filter(({ query }) => query.has('index')).length >= 2,
      WITHIN_MS,
    );
    await Promise.race([hasReceivedAll, one.failed]);
    return one;
  };
  const occasion = async (): Promise<number> => {
    const first = await startOne();
    const isThere = () => stage.place.writes('Secret') === 1 && stage.place.writes('Service') === 1;
    await eventually('Secret and Service are written', isThere, WITHIN_MS);
    const before = stage.place.writes();
    await act({ stage, first, start: startOne });
    await sleep(SETTLED_MS);
    return stage.place.writes() - before;
  };
  return thenEnd(
    occasion,
    () => sideBySide(...running.map((one) => one.stop())),
    () => stage.close(),
  );
}

async function renew({ stage }: Case): Promise<void> {
  await eventually('the next leaf is written', () => stage.place.writes('Secret') === 2, WITHIN_MS);
}

async function rotate({ stage }: Case): Promise<void> {
  await stage.consul.rotateRoot({ leafDelayMs: 2_000 });
  await eventually('bundle and leaf are written', () => stage.place.writes('Secret') >= 3, WITHIN_MS);
}

async function restartAgent({ stage: { consul } }: Case): Promise<void> {
  const before = consul.requests.length;
  await consul.restart();
  const isRequested = () => consul.requests.slice(before).some(({ target }) => target === 'leaf');
  await eventually('the leaf is requested', isRequested, WITHIN_MS);
}

async function churnLeaf({ consul }: EmbeddedStage, seconds: number): Promise<void> {
  const before = consul.requests.length;
  for (let second = 0; second < seconds; second += 1) {
    await consul.renewLeaf('ambassador');
    await sleep(1_000);
  }
  const seen = consul.requests.slice(before).filter(({ target }) => target === 'leaf').length;
  if (seen < seconds / 2) throw new Error(`the connector saw only ${seen} of ${seconds} leaves`);
}
