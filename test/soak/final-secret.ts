import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { systemClock } from '../../src/clock.ts';
import { certificates } from '../e2e/support/bed.ts';
import type { Daemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import type { SoakBed } from './soak-bed.ts';

/** A request that hangs for 15 s, and the longest backoff. In the daemon's time. */
const RECOVERS_WITHIN_MS = 75_000;
/** What the machine takes for it, which does not get faster with the clock. */
const MACHINE_MS = 5_000;
const STAYS_MS = 5_000;
const HOUR_MS = 3_600_000;

/**
 * Once nothing is scripted any longer and a leaf lives for an hour, the Secret becomes exactly what Consul hands out, and
 * stays so without another write. Resolves with how long it took, in milliseconds of the daemon's time.
 */
export async function becomesRight(
  { bed, clock, cluster }: SoakBed,
  daemon: Daemon,
  speed: number,
): Promise<number> {
  const from = clock.now();
  bed.consul.setLeafTtl(HOUR_MS);
  let wrong = 'not looked at';
  const isRight = async (): Promise<boolean> => {
    wrong = await difference(bed);
    return wrong === '';
  };
  const what = (): string => `the final Secret is right: ${wrong}, after\n${daemon.stdout.slice(-4_000)}`;
  await eventually(what, isRight, RECOVERS_WITHIN_MS / speed + MACHINE_MS);
  const tookMs = clock.now() - from;
  const writes = cluster.secretWrites;
  await systemClock.sleep(STAYS_MS, new AbortController().signal);
  assert.equal(await difference(bed), '', 'the final Secret did not stay right');
  assert.equal(cluster.secretWrites, writes, 'the final Secret was written again');
  return tookMs;
}

/** In what the Secret differs from Consul's leaf, key and roots; empty for nothing. */
async function difference(bed: SoakBed['bed']): Promise<string> {
  const { issued, chainPem, rootId } = await bed.consul.leaf('ambassador');
  const roots = bed.consul.roots.map(({ authority }) => authority.certPem);
  const isCurrent =
    rootId === bed.consul.activeRoot.id && issued.notAfter.getTime() - issued.notBefore.getTime() >= HOUR_MS;
  if (!isCurrent) return "Consul's leaf is not of the active root yet";
  const differs = [
    fingerprints(bed.entry('tls.crt')) === fingerprints(chainPem) ? '' : 'tls.crt',
    keyOf(bed.entry('tls.key')) === keyOf(issued.keyPem) ? '' : 'tls.key',
    fingerprints(bed.entry('ca.crt')) === fingerprints(roots.join('')) ? '' : 'ca.crt',
  ];
  return differs.filter((key) => key !== '').join(', ');
}

function fingerprints(pem: string): string {
  return certificates(pem)
    .map(({ fingerprint256 }) => fingerprint256)
    .join(' ');
}

function keyOf(pem: string): string {
  return pem === '' ? '' : createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' }).toString('base64');
}
