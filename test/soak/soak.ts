import { systemClock } from '../../src/lib/clock.ts';
import { becomesRight } from './final-secret.ts';
import { type Growth, growthOf } from './growth.ts';
import {
  faultHand,
  type Hand,
  heal,
  type Main,
  mainHand,
  renewalHand,
  replicaHand,
  rotationHand,
  stop,
  together,
} from './hands.ts';
import { leftOver, type Sample } from './probe.ts';
import { SoakBed } from './soak-bed.ts';

export interface SoakOptions {
  readonly seed: number;
  /** Of the machine's time; it ends earlier once both numbers are reached. */
  readonly seconds: number;
  readonly renewals: number;
  readonly rotations: number;
  /** How many times as fast as the machine's the time of daemon, Consul and faults runs. */
  readonly speed: number;
}

export interface SoakReport {
  readonly seconds: number;
  /** Different leaves that were published. */
  readonly renewals: number;
  /** Root rotations whose root was published as the active one. */
  readonly rotations: number;
  readonly rotationsMade: number;
  readonly secretWrites: number;
  readonly replicas: number;
  readonly restarts: number;
  readonly faults: Readonly<Record<string, number>>;
  /** What was wrong with a Secret that was written. */
  readonly wrong: readonly string[];
  readonly rss: Growth;
  readonly heap: Growth;
  /** At rest, before the first fault. */
  readonly start: Sample;
  readonly end: Sample;
  readonly recoveredMs: number;
}

/** Idle connections end by themselves, within the four seconds undici keeps them. */
const SETTLES_WITHIN_MS = 10_000;

/**
 * The built daemon under faults from a seed, its time and Consul's faster than the machine's.
 *
 * @throws Error when a daemon ends by itself, does not stop as it should, or does not come right in the end
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { seed, seconds, speed } = options;
  const soakBed = await SoakBed.start(speed);
  const { bed, cluster } = soakBed;
  const counts = new Map<string, number>();
  const roots = new Set<string>();
  let replicas = 0;
  const from = performance.now();
  try {
    const daemon = await soakBed.startDaemon();
    const start = await soakBed.sampleAtRest(daemon);
    const main: Main = { daemon, restarts: 0, measured: [] };
    const published = (): number => [...roots].filter((root) => cluster.activeRoots.has(root)).length;
    const isDone = (): boolean => cluster.leaves.size >= options.renewals && published() >= options.rotations;
    await together([
      endHand(seconds, isDone),
      faultHand(soakBed, seed, counts),
      renewalHand(soakBed, seed + 3),
      rotationHand(soakBed, seed + 1, roots),
      replicaHand(soakBed, seed + 2, seconds, () => {
        replicas += 1;
      }),
      mainHand(soakBed, main, seconds),
    ]);
    heal(bed);
    const recoveredMs = await becomesRight(soakBed, main.daemon, speed);
    const end = await settled(start, () => soakBed.sample(main.daemon));
    await stop(main.daemon);
    const report: SoakReport = {
      seconds: Math.round((performance.now() - from) / 1_000),
      renewals: cluster.leaves.size,
      rotations: published(),
      rotationsMade: roots.size,
      secretWrites: cluster.secretWrites,
      replicas,
      restarts: main.restarts,
      faults: Object.fromEntries(counts),
      wrong: cluster.faults,
      rss: growthOf(main.measured, ({ rssKiB }) => rssKiB),
      heap: growthOf(main.measured, ({ heapKiB }) => heapKiB),
      start,
      end,
      recoveredMs,
    };
    await bed.close();
    return report;
  } catch (error) {
    // What went wrong first is what to read; the search for secrets may then find the bundle's source beside its stack.
    await bed.close().catch(() => undefined);
    throw error;
  }
}

function endHand(seconds: number, isDone: () => boolean): Hand {
  return async (signal) => {
    const until = performance.now() + seconds * 1_000;
    while (!signal.aborted && performance.now() < until && !isDone()) await systemClock.sleep(200, signal);
  };
}

/** The first sample that holds no more than `start`, or the last one of a few. */
async function settled(start: Sample, sample: () => Promise<Sample>): Promise<Sample> {
  const deadline = performance.now() + SETTLES_WITHIN_MS;
  for (;;) {
    const now = await sample();
    if (leftOver(start, now).length === 0 || performance.now() > deadline) return now;
    await systemClock.sleep(200, new AbortController().signal);
  }
}
