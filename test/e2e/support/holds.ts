import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Script } from '../../fixtures/consul/script.ts';
import { type Bed, makeBed } from './bed.ts';
import type { Daemon, LogLine } from './daemon.ts';
import { eventually } from './eventually.ts';
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

const SEEN_WITHIN_MS = 60_000;
/** The longest backoff after the third failure is 8 s; the rest is for a loaded machine. */
const RECOVERS_WITHIN_MS = 60_000;
const REQUESTS_SEEN = 3;

/**
 * A daemon that has published meets the fault: the Secret stays byte for byte, the log names cause and remedy, the metrics
 * count it, retries go on at a bounded rate, and the next good answer is published.
 */
export async function holds(t: TestContext, fault: Fault): Promise<void> {
  const { target, code } = fault;
  const bed = await makeBed(t);
  const daemon = await bed.startReady(SOON);
  const [before, writes] = [bed.secret(), bed.cluster.writes()];
  assert.equal(await counted(daemon, fault), 0);

  const script = await fault.script(bed);
  const [from, startedAt] = [bed.consul.requests.length, performance.now()];
  bed.consul.script(target, script);

  const line = await daemon.line((candidate) => candidate['code'] === code, SEEN_WITHIN_MS);
  assert.match(String(line['error']), fault.error);
  assert.match(String(line['remedy']), fault.remedy);
  assert.ok((await counted(daemon, fault)) >= 1, 'the metrics count it');
  const asked = () => bed.consul.requests.slice(from).filter((request) => request.target === target).length;
  await eventually('retries go on', () => asked() >= REQUESTS_SEEN, SEEN_WITHIN_MS);
  if (line['query'] === target) await assertBacksOff(daemon, fault);
  assertBounded(asked(), performance.now() - startedAt);
  assert.deepEqual(bed.secret(), before, 'the Secret stays');
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

/** Each wait is below half a second doubled with each failure in a row. */
async function assertBacksOff(daemon: Daemon, { code, target }: Fault): Promise<void> {
  const isFailure = (line: LogLine) => line['code'] === code && line['query'] === target;
  await daemon.line((line) => isFailure(line) && Number(line['attempt']) >= 2, SEEN_WITHIN_MS);
  for (const [index, { attempt, retryMs }] of daemon.logs.filter(isFailure).entries()) {
    assert.equal(attempt, index + 1);
    assert.ok(Number(retryMs) <= 500 * 2 ** Number(attempt), `${retryMs} ms after failure ${attempt}`);
  }
}
