import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../test/e2e/support/eventually.ts';
import type { EmbeddedConsulOptions } from '../test/fixtures/consul/embedded-consul.ts';
import { EmbeddedStage } from './embedded-stage.ts';
import { type Running, type Subject, start } from './subject.ts';
import { exactly, type Row } from './table.ts';

/** Long enough for a write that should not happen to happen. */
const SETTLED_MS = 3_000;
const WITHIN_MS = 60_000;

interface Case {
  readonly stage: EmbeddedStage;
  /** Starts one more process, or stops and starts. */
  start(): Promise<Running>;
  readonly first: Running;
}

/** Figure 5: the writes that an occasion costs, exactly. All at once, each on servers of its own. */
export function countWrites(connector: Subject, churnSeconds: number): Promise<Row[]> {
  const count = async (
    occasion: string,
    least: number,
    act: (given: Case) => Promise<unknown>,
    consul: EmbeddedConsulOptions = {},
  ): Promise<Row> => exactly(`writes for ${occasion}`, await writesOf(connector, act, consul), least);
  return Promise.all([
    // It must outlive a start on a loaded machine, and be renewed once and not twice before the count.
    count('a renewal', 1, renew, { leafTtlMs: 16_000 }),
    count('a rotation', 2, rotate),
    count('a restart', 0, async ({ first, start }) => {
      await first.stop();
      await start();
    }),
    count('a restart of the agent', 0, restartAgent),
    count(`${churnSeconds} s of a leaf reissued every second`, 0, ({ stage }) =>
      churnLeaf(stage, churnSeconds),
    ),
    count('a second replica', 0, ({ start }) => start()),
  ]);
}

async function writesOf(
  connector: Subject,
  act: (given: Case) => Promise<unknown>,
  consul: EmbeddedConsulOptions,
): Promise<number> {
  const stage = await EmbeddedStage.start({ consul });
  const running: Running[] = [];
  const startOne = async (): Promise<Running> => {
    const asked = stage.consul.requests.length;
    const one = start(connector, stage.env);
    running.push(one);
    // With an index both queries block: it has heard all there is.
    await eventually(
      'both queries block',
      () => stage.consul.requests.slice(asked).filter(({ query }) => query.has('index')).length >= 2,
      WITHIN_MS,
    );
    return one;
  };
  try {
    const first = await startOne();
    const isThere = () => stage.cluster.writes('Secret') === 1 && stage.cluster.writes('Service') === 1;
    await eventually('Secret and Service are written', isThere, WITHIN_MS);
    const before = stage.cluster.writes();
    await act({ stage, first, start: startOne });
    await sleep(SETTLED_MS);
    return stage.cluster.writes() - before;
  } finally {
    await Promise.all(running.filter((one) => one.isRunning()).map((one) => one.stop()));
    await stage.close();
  }
}

async function renew({ stage }: Case): Promise<void> {
  await eventually('the next leaf is written', () => stage.cluster.writes('Secret') === 2, WITHIN_MS);
}

async function rotate({ stage }: Case): Promise<void> {
  await stage.consul.rotateRoot({ leafDelayMs: 2_000 });
  await eventually('bundle and leaf are written', () => stage.cluster.writes('Secret') >= 3, WITHIN_MS);
}

async function restartAgent({ stage: { consul } }: Case): Promise<void> {
  const before = consul.requests.length;
  await consul.restart();
  const isAsked = () => consul.requests.slice(before).some(({ target }) => target === 'leaf');
  await eventually('the leaf is asked for', isAsked, WITHIN_MS);
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
