import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { systemClock } from '../../src/lib/clock.ts';
import type { Daemon } from '../e2e/support/daemon.ts';
import { consulFaults } from './consul-faults.ts';
import { kubernetesFaults } from './kubernetes-faults.ts';
import type { Sample } from './probe.ts';
import { Random } from './random.ts';
import type { SoakBed } from './soak-bed.ts';

/** Repeats one thing until `signal` aborts. */
export type Hand = (signal: AbortSignal) => Promise<void>;

/** Its own limit is 1.5 s of the faster time; the rest is a margin for a loaded machine. */
const STOPS_WITHIN_MS = 10_000;
const RENEWALS_A_ROTATION = 10;
const FAULTS_A_HEALING = 3;
const SAMPLE_EVERY_MS = 2_000;
/** Or a sixtieth of the time, if that is longer. */
const REPLICA_EVERY_MS = 12_000;

/** Runs all until the first one ends, and waits for all of them. @throws the error of the first that failed */
export async function together(hands: readonly Hand[]): Promise<void> {
  const end = new AbortController();
  const ends = await Promise.allSettled(hands.map((hand) => hand(end.signal).finally(() => end.abort())));
  for (const result of ends) if (result.status === 'rejected') throw result.reason;
}

/** A fault about every second of the machine's time, each kind once before one is repeated; heals after every third. */
export function faultHand({ bed, clock }: SoakBed, seed: number, counts: Map<string, number>): Hand {
  const random = new Random(seed);
  const faults = { ...consulFaults(bed.consul, random), ...kubernetesFaults(bed, random) };
  for (const kind of Object.keys(faults)) counts.set(kind, 0);
  return async (signal) => {
    let done = 0;
    while (!signal.aborted) {
      for (const [kind, fault] of random.shuffle(Object.entries(faults))) {
        await systemClock.sleep(random.between(400, 1_600), signal);
        if (signal.aborted) return;
        await fault(clock);
        counts.set(kind, (counts.get(kind) ?? 0) + 1);
        done += 1;
        if (done % FAULTS_A_HEALING === 0) heal(bed);
      }
    }
  };
}

/** Removes all scripted answers; an earlier request may still hang. */
export function heal({ consul, cluster }: SoakBed['bed']): void {
  consul.clearScripts();
  cluster.clearScripts();
  cluster.watches.bookmark();
}

/** Consul renews the leaf as soon as the previous one is due for renewal. */
export function renewalHand(soakBed: SoakBed, seed: number): Hand {
  const random = new Random(seed);
  return async (signal) => {
    while (!signal.aborted) {
      await soakBed.pause(random.between(1_500, 1_800), signal);
      if (!signal.aborted) await soakBed.bed.consul.renewLeaf('ambassador');
    }
  };
}

/** A new active root for every ten published leaves; `roots` collects the fingerprints. */
export function rotationHand(soakBed: SoakBed, seed: number, roots: Set<string>): Hand {
  const { bed, cluster } = soakBed;
  const random = new Random(seed);
  return async (signal) => {
    while (!signal.aborted) {
      await soakBed.pause(random.between(1_000, 4_000), signal);
      const published = [...roots].filter((root) => cluster.activeRoots.has(root)).length;
      if (signal.aborted || cluster.leaves.size < RENEWALS_A_ROTATION * (published + 1)) continue;
      const crossSign = random.next() < 0.5;
      const { authority } = await bed.consul.rotateRoot({ crossSign, leafDelayMs: random.between(0, 2_000) });
      roots.add(new X509Certificate(authority.certPem).fingerprint256);
    }
  };
}

/** As in a rolling update: a second daemon starts, runs for a moment beside the first, and stops. */
export function replicaHand(soakBed: SoakBed, seed: number, seconds: number, onStop: () => void): Hand {
  const random = new Random(seed);
  const everyMs = Math.max(REPLICA_EVERY_MS, (seconds * 1_000) / 60);
  return async (signal) => {
    while (!signal.aborted) {
      await systemClock.sleep(everyMs, signal);
      if (signal.aborted) return;
      const replica = await soakBed.startDaemon();
      await soakBed.pause(random.between(0, 20_000), signal);
      await stop(replica, random.pick(['SIGTERM', 'SIGINT']));
      onStop();
    }
  };
}

/** Stops it as Kubernetes does. @throws AssertionError unless it exits with 0, in time and with nothing on stderr */
export async function stop(daemon: Daemon, signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM'): Promise<void> {
  const { code, ms } = await daemon.stop(signal);
  const output = `${daemon.stderr}\n${daemon.stdout.slice(-2_000)}`;
  assert.equal(code, 0, output);
  assert.equal(daemon.stderr, '', output);
  assert.ok(ms < STOPS_WITHIN_MS, `a daemon took ${ms} ms to stop:\n${output}`);
}

export interface Measured {
  /** Leaves and active roots published so far. */
  readonly changes: number;
  readonly sample: Sample;
}

/** The daemon that is measured, and replaced at first. */
export interface Main {
  daemon: Daemon;
  restarts: number;
  measured: Measured[];
}

/** Restarts the daemon twice within the first sixth of the time; then takes a sample every two seconds. */
export function mainHand(soakBed: SoakBed, main: Main, seconds: number): Hand {
  const { cluster } = soakBed;
  return async (signal) => {
    while (!signal.aborted && main.restarts < 2) {
      await systemClock.sleep((seconds * 1_000) / 15, signal);
      await stop(main.daemon);
      main.daemon = await soakBed.startDaemon();
      main.restarts += 1;
    }
    await soakBed.pause(5_000, signal);
    while (!signal.aborted) {
      await systemClock.sleep(SAMPLE_EVERY_MS, signal);
      const { daemon } = main;
      if (!daemon.running)
        throw new Error(`the daemon ended: ${daemon.stderr}${daemon.stdout.slice(-2_000)}`);
      main.measured.push({
        changes: cluster.leaves.size + cluster.activeRoots.size,
        sample: await soakBed.sample(daemon),
      });
    }
  };
}
