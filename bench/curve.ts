import { cpuMs, rssMiB } from '../test/e2e/support/proc.ts';
import { median, percentile } from '../test/e2e/support/statistics.ts';
import { createRoot } from '../test/fixtures/certificates/factory.ts';
import { sideBySide, thenEnd } from './cleanup.ts';
import { EmbeddedStage } from './embedded-stage.ts';
import type { Running } from './process.ts';
import { holds } from './sightings.ts';
import { type Subjects, start } from './subject.ts';
import { lines } from './table.ts';
import { warmUp } from './warm-up.ts';

export interface Point {
  readonly connectors: number;
  readonly roots: number;
  /** The size of one connector's Secrets, in KiB before base64. */
  readonly secretKiB: number;
  /** From the start of the first process to the last Secret, in milliseconds. */
  readonly startMs: number;
  /** From a change of Consul's answer to the Secrets of half of the connectors, and of all, in milliseconds. */
  readonly halfMs: number;
  readonly allMs: number;
  /** The memory of each process in MiB, and its processor time for the change in milliseconds. */
  readonly rssMiB: number;
  readonly cpuMs: number;
  /** For a change, to Consul and the API server together. */
  readonly requestsEach: number;
  /** Open at the API server. */
  readonly watchesEach: number;
}

const REPEATED = 3;

/** How the costs grow with the number of connectors on one Consul and one API server, and with the roots, and so the Secret. */
export async function growthCurve(
  subjects: Subjects,
  quick: boolean,
): Promise<{ table: string; points: Point[] }> {
  const plan: [number, number][] = quick
    ? [
        [1, 1],
        [3, 1],
        [1, 20],
      ]
    : [
        [1, 1],
        [10, 1],
        [50, 1],
        [1, 10],
        [1, 50],
        [1, 100],
        [1, 200],
        [1, 300],
      ];
  const points: Point[] = [];
  const stage = await EmbeddedStage.start();
  await thenEnd(
    () => warmUp(stage, [subjects.connector]),
    () => stage.close(),
  );
  for (const [connectors, roots] of plan) points.push(await measure(subjects, connectors, roots));
  const head = [
    'connectors',
    'roots',
    'Secret',
    'start to last Secret',
    'change to half',
    'to all',
    'memory each',
    'CPU a change each',
    'requests a change each',
    'watches each',
  ];
  const cells = points.map((point) => [
    String(point.connectors),
    String(point.roots),
    `${point.secretKiB.toFixed(1)} KiB`,
    `${point.startMs.toFixed(0)} ms`,
    `${point.halfMs.toFixed(1)} ms`,
    `${point.allMs.toFixed(1)} ms`,
    `${point.rssMiB.toFixed(0)} MiB`,
    `${point.cpuMs.toFixed(1)} ms`,
    point.requestsEach.toFixed(1),
    point.watchesEach.toFixed(1),
  ]);
  return { table: lines([head, ...cells]), points };
}

async function measure({ connector }: Subjects, connectors: number, roots: number): Promise<Point> {
  const stage = await EmbeddedStage.start();
  const listed = await Promise.all(
    Array.from({ length: roots + REPEATED }, () => createRoot({ trustDomain: stage.consul.trustDomain })),
  );
  const running: Running[] = [];
  const grow = async (): Promise<Point> => {
    stage.consul.listInactiveRoots(listed.slice(0, roots - 1));
    const from = performance.now();
    for (let id = 0; id < connectors; id += 1) {
      running.push(start(connector, { ...stage.env, _AMBASSADOR_ID: `c${id}` }));
    }
    const startMs = (await stage.secrets.stored(connectors, from)).at(-1) ?? Number.NaN;
    await stage.secrets.quiet();
    const requests = () => stage.consul.requests.length + stage.place.requests.length;
    const changes: { half: number; all: number; cpu: number; requests: number }[] = [];
    for (let change = 1; change <= REPEATED; change += 1) {
      const before = running.map(({ pid }) => cpuMs(pid));
      const requestsBefore = requests();
      // The same number of roots, one of them new; a single root becomes two.
      const next = listed.slice(change, Math.max(roots - 1, 1) + change);
      const rootPem = next.at(-1)?.certPem ?? '';
      stage.consul.listInactiveRoots(next);
      const at = performance.now();
      const took = await stage.secrets.stored(connectors, at, ({ caPem }) => holds(caPem, rootPem));
      await stage.secrets.quiet();
      const cpu = median(running.map(({ pid }, index) => cpuMs(pid) - (before[index] ?? 0)));
      changes.push({
        half: percentile(took, 0.5),
        all: took.at(-1) ?? Number.NaN,
        cpu,
        requests: requests() - requestsBefore,
      });
    }
    const data = stage.place.list('Secret')[0]?.data ?? {};
    const bytes = Object.values(data).reduce((sum, text) => sum + Buffer.from(text, 'base64').length, 0);
    return {
      connectors,
      roots,
      secretKiB: bytes / 1024,
      startMs,
      halfMs: median(changes.map(({ half }) => half)),
      allMs: median(changes.map(({ all }) => all)),
      rssMiB: median(running.map(({ pid }) => rssMiB(pid))),
      cpuMs: median(changes.map(({ cpu }) => cpu)),
      requestsEach: median(changes.map((change) => change.requests)) / connectors,
      watchesEach: stage.place.watches.count() / connectors,
    };
  };
  return thenEnd(
    grow,
    () => sideBySide(...running.map((one) => one.stop())),
    () => stage.close(),
  );
}
