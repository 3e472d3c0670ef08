import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { Script } from '../../fixtures/consul/script.ts';
import { type Bed, openBed } from './bed.ts';
import type { Daemon } from './daemon.ts';
import { EACH_ATTEMPT } from './each-attempt.ts';
import { eventually } from './eventually.ts';
import { fastTimeOf } from './fast-time.ts';
import { assertPublishes } from './published.ts';

/** What Consul does wrong, and what must be said of it. */
export interface Fault {
  readonly target: 'roots' | 'leaf';
  readonly script: (bed: Bed) => Script | Promise<Script>;
  readonly code: string;
  readonly error: RegExp;
  readonly remedy: RegExp;
}

/** A blocking query ends after a second, so that a fault shows soon. */
export const SOON = { _CONSUL_WAIT: '1s' };

/** The daemon's deadline for an answer, 11 s, shrinks with it to 3.7 s. */
const SPEED = 3;
const SEEN_WITHIN_MS = 60_000;
const RECOVERS_WITHIN_MS = 60_000;
const REQUESTS_SEEN = 3;

/**
 * One daemon for the faults of a `describe`, one after the other. A daemon that has published meets the fault: the Secret stays
 * byte for byte, the log names cause and remedy, the metrics count it, retries go on at a bounded rate, and the next good
 * answer is published.
 */
export function useHolds(): (fault: Fault) => Promise<void> {
  let bed: Bed;
  let daemon: Daemon;
  before(async () => {
    bed = await openBed();
    daemon = await bed.startReady({ ...SOON, ...EACH_ATTEMPT, ...fastTimeOf(SPEED, Date.now()) });
  });
  after(() => bed.close());
  return (fault) => holds(bed, daemon, fault);
}

async function holds(bed: Bed, daemon: Daemon, fault: Fault): Promise<void> {
  const { target, code } = fault;
  const [published, writes, countedBefore] = [
    bed.secret(),
    bed.cluster.writes(),
    await counted(daemon, fault),
  ];
  const logged = daemon.logs.length;

  const script = await fault.script(bed);
  const [from, startedAt] = [bed.consul.requests.length, performance.now()];
  bed.consul.script(target, script);

  const line = await eventually(
    () => `a log line with ${code} after line ${logged} of\n${daemon.stdout}${daemon.stderr}`,
    () => daemon.logs.slice(logged).find((candidate) => candidate['code'] === code),
    SEEN_WITHIN_MS,
  );
  assert.match(String(line['error']), fault.error);
  assert.match(String(line['remedy']), fault.remedy);
  await eventually('the metrics count it', async () => (await counted(daemon, fault)) > countedBefore);
  const requests = () =>
    bed.consul.requests.slice(from).filter((request) => request.target === target).length;
  await eventually('retries go on', () => requests() >= REQUESTS_SEEN, SEEN_WITHIN_MS);
  assertBounded(requests(), (performance.now() - startedAt) * SPEED);
  assert.deepEqual(bed.secret(), published, 'the Secret stays');
  assert.equal(bed.cluster.writes(), writes);

  bed.consul.clearScripts();
  await bed.consul.rotateRoot({ leafDelayMs: 0 });
  await assertPublishes(bed, RECOVERS_WITHIN_MS);
  await daemon.ready();
}

/** At most five requests at once, and then one a second; one more may be under way. */
export function assertBounded(requests: number, withinMs: number): void {
  const most = 5 + 1 + withinMs / 1_000;
  assert.ok(requests <= most, `${requests} requests in ${withinMs} ms, at most ${most} allowed`);
}

/** What is refused is counted as a leaf or root; what cannot be used at all as an answer of that query. */
async function counted(daemon: Daemon, { code, target }: Fault): Promise<number> {
  const answers = await daemon.metric('consul_queries_total', `query="${target}"`, `outcome="${code}"`);
  return answers + (await daemon.metric('rejected_candidates_total', `code="${code}"`));
}
