import { systemClock } from '../../src/lib/clock.ts';
import { settles } from './final-secret.ts';
import { growthOf } from './growth.ts';
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
  /** How many times faster than the machine's the time of daemon, Consul and faults runs. */
  readonly speed: number;
}

export type SoakReport = Awaited<ReturnType<typeof soak>>;

/** undici closes idle connections after four seconds. */
const SETTLES_WITHIN_MS = 10_000;

/**
 * Runs the built daemon with faults from a seed; its time and Consul's run faster than the machine's.
 *
 * @throws Error if a daemon exits by itself, does not stop properly, or does not publish a correct Secret in the end
 */
export async function soak(options: SoakOptions) {
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
    const recoveredMs = await settles(soakBed, main.daemon, speed);
    const end = await settled(start, () => soakBed.sample(main.daemon));
    await stop(main.daemon);
    const report = {
      seconds: Math.round((performance.now() - from) / 1_000),
      /** Different leaves that were published. */
      renewals: cluster.leaves.size,
      /** Rotations whose root was published as the active one. */
      rotations: published(),
      rotationsMade: roots.size,
      secretWrites: cluster.secretWrites,
      replicas,
      restarts: main.restarts,
      faults: Object.fromEntries(counts),
      /** The faults of Secrets that were written. */
      wrong: cluster.faults,
      rss: growthOf(main.measured, ({ rssKiB }) => rssKiB),
      heap: growthOf(main.measured, ({ heapKiB }) => heapKiB),
      /** At rest, before the first fault. */
      start,
      end,
      recoveredMs,
    };
    await bed.close();
    return report;
  } catch (error) {
    // The first error is the one to report; the search for secrets may then find the bundle's source beside its stack.
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

/** The first sample with no more in use than `start`, or the last one in time. */
async function settled(start: Sample, sample: () => Promise<Sample>): Promise<Sample> {
  const deadline = performance.now() + SETTLES_WITHIN_MS;
  for (;;) {
    const now = await sample();
    if (leftOver(start, now).length === 0 || performance.now() > deadline) return now;
    await systemClock.sleep(200, new AbortController().signal);
  }
}
