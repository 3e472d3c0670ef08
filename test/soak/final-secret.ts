import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { systemClock } from '../../src/lib/clock.ts';
import { certificates } from '../e2e/support/bed.ts';
import type { Daemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import type { SoakBed } from './soak-bed.ts';

/** A request that hangs for 15 s, and the longest backoff. In the daemon's time. */
const RECOVERS_WITHIN_MS = 75_000;
/** The time the machine needs for it, which does not depend on the speed of the clock. */
const MACHINE_MS = 5_000;
const STAYS_MS = 5_000;
const HOUR_MS = 3_600_000;

/** Below this share of its lifetime a leaf is replaced by a fresh one. */
const REPLACE_BELOW = 0.3;

/**
 * Once nothing is scripted and leaves last for an hour, the Secret meets the contract and stays unchanged: it is written again
 * only if Consul's list of roots changes. Not every leaf of Consul is published: its agent has another one after a restart, and
 * a valid one is not replaced. Resolves with the time it took, in milliseconds of the daemon's time.
 */
export async function settles(
  { bed, clock, cluster }: SoakBed,
  daemon: Daemon,
  speed: number,
): Promise<number> {
  const from = clock.now();
  bed.consul.setLeafTtl(HOUR_MS);
  let wrong = 'not checked';
  const isCorrect = (): boolean => {
    wrong = difference(bed, clock.now());
    return wrong === '';
  };
  const what = (): string => `the final Secret is correct: ${wrong}, after\n${daemon.stdout.slice(-4_000)}`;
  await eventually(what, isCorrect, RECOVERS_WITHIN_MS / speed + MACHINE_MS);
  const tookMs = clock.now() - from;
  const [writes, roots] = [cluster.secretWrites, rootsOf(bed)];
  await systemClock.sleep(STAYS_MS, new AbortController().signal);
  await eventually(what, isCorrect);
  const changes = differences(roots, rootsOf(bed));
  assert.ok(cluster.secretWrites <= writes + changes, 'the final Secret was written again');
  return tookMs;
}

/** What is wrong with the Secret at `at`; empty if nothing is. */
function difference(bed: SoakBed['bed'], at: number): string {
  const [leaf] = certificates(bed.entry('tls.crt'));
  const key = bed.entry('tls.key');
  if (leaf === undefined || key === '') return 'it holds no leaf or no key';
  const root = new X509Certificate(bed.consul.activeRoot.authority.certPem);
  const [from, until] = [Date.parse(leaf.validFrom), Date.parse(leaf.validTo)];
  const problems = [
    leaf.checkIssued(root) && leaf.verify(root.publicKey) ? '' : 'the leaf is not of the active root',
    until - from >= HOUR_MS ? '' : 'the leaf is one of the short-lived ones from before',
    (until - at) / (until - from) >= REPLACE_BELOW ? '' : 'the leaf is ageing',
    leaf.checkPrivateKey(createPrivateKey(key)) ? '' : 'the key is not that of the leaf',
    fingerprints(bed.entry('ca.crt')) === rootsOf(bed) ? '' : 'ca.crt is not the list of roots',
  ];
  return problems.filter((problem) => problem !== '').join(', ');
}

function rootsOf(bed: SoakBed['bed']): string {
  return fingerprints(bed.consul.roots.map(({ authority }) => authority.certPem).join(''));
}

/** The number of roots in one list only: each may be added or removed by itself, and each change is a write. */
function differences(before: string, after: string): number {
  const [one, other] = [before.split(' '), after.split(' ')];
  return [...one, ...other].filter((root) => !one.includes(root) || !other.includes(root)).length;
}

function fingerprints(pem: string): string {
  return certificates(pem)
    .map(({ fingerprint256 }) => fingerprint256)
    .sort()
    .join(' ');
}
