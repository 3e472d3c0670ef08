import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { withIndex } from '../fixtures/consul/answer.ts';
import type { Fault } from '../fixtures/consul/script.ts';
import { makeBed } from './support/bed.ts';
import type { Daemon } from './support/daemon.ts';
import { eventually } from './support/eventually.ts';
import { assertBounded, SOON } from './support/holds.ts';
import { assertPublishes } from './support/published.ts';

const WITHIN_MS = 60_000;
const WINDOW_MS = 8_000;
/** A hot loop takes all of one processor; four small requests a second take some hundredths. */
const NEAR_IDLE = 0.25;
/** `wait` of one second, a sixteenth of it, and ten seconds; then a new connection. */
const DEADLINE_MS = 11_100;
const ROOM_MS = 10_000;

describe('a server that answers at the wrong time', { concurrency: 7 }, () => {
  test('13: answers that return at once for ever: five requests and then one a second for each query, CPU near idle', async (t) => {
    const bed = await makeBed(t);
    let index = 100;
    bed.consul.script('any', async (_request, truth) => {
      index += 1;
      return withIndex(await truth.now(), index);
    });
    const startedAt = performance.now();
    const daemon = await bed.startReady({ NODE_OPTIONS: CPU_ON_SIGNAL });
    const [cpuBefore, from] = [await cpuMs(daemon), performance.now()];

    await sleep(WINDOW_MS);

    const [cpu, windowMs] = [(await cpuMs(daemon)) - cpuBefore, performance.now() - from];
    for (const target of ['roots', 'leaf']) {
      const { length } = bed.consul.requests.filter((request) => request.target === target);
      assert.ok(length > 5, `${length} requests for the ${target}: they go on`);
      assertBounded(length, performance.now() - startedAt);
    }
    assert.ok(cpu < NEAR_IDLE * windowMs, `${cpu} ms of processor time in ${windowMs} ms`);
    assert.equal(bed.cluster.writes('Secret'), 1);
  });

  for (const [what, fault] of [
    ['accepts and never answers', 'hang'],
    ['answers headers and stalls', 'stall-after-headers'],
    ['resets', 'reset'],
    ['closes the kept-alive connection just as it is reused', 'close'],
    ['ends the connection in the body', 'cut-in-body'],
  ] satisfies [string, Fault][]) {
    test(`14: a server that ${what}: recovers within its deadline`, async (t) => {
      const bed = await makeBed(t);
      const daemon = await bed.startReady(SOON);
      const struck = new Set<string>();
      bed.consul.script('any', ({ target }) => {
        if (struck.has(target)) return undefined;
        struck.add(target);
        return fault;
      });
      await eventually('both queries were struck', () => struck.size === 2, WITHIN_MS);
      // What dies while it blocks is no error: the query after it tells whether the server lives.
      const errors = fault === 'hang' || fault === 'stall-after-headers' ? 0 : 2;
      const failed = () => daemon.logs.filter(({ msg }) => msg === 'Consul query failed, retrying');
      // Before the rotation, which starts the leaf query over.
      await eventually('each failure is told', () => failed().length === errors, WITHIN_MS);
      const writes = bed.cluster.writes();

      await bed.consul.rotateRoot({ leafDelayMs: 0 });

      await assertPublishes(bed, DEADLINE_MS + ROOM_MS);
      assert.ok(bed.cluster.writes() > writes);
      const failures = failed();
      assert.equal(failures.length, errors, daemon.stdout);
      for (const { remedy } of failures) assert.match(String(remedy), /./);
    });
  }

  test('19: a leaf that changes every second: no write after the first', async (t) => {
    const bed = await makeBed(t);
    bed.consul.script('leaf', async (request, truth) => {
      if (request.query.has('index')) await sleep(1_000);
      await bed.consul.renewLeaf('ambassador');
      return truth.now();
    });

    await bed.startReady();
    const asked = () => bed.consul.requests.filter(({ target }) => target === 'leaf').length;
    await eventually('ten leaves', () => asked() > 10, 2 * WITHIN_MS);

    assert.equal(bed.cluster.writes('Secret'), 1);
  });
});

/** A preload that writes the processor time so far, in microseconds, to stderr on SIGUSR2. */
const CPU_ON_SIGNAL = `--import=data:text/javascript,${encodeURIComponent(
  "process.on('SIGUSR2', () => { const { user, system } = process.cpuUsage(); process.stderr.write('cpu ' + (user + system) + '\\n'); });",
)}`;

async function cpuMs(daemon: Daemon): Promise<number> {
  const told = () =>
    [...daemon.stderr.matchAll(/^cpu (\d+)\n/gm)].map(([, microseconds]) => Number(microseconds));
  const before = told().length;
  daemon.signal('SIGUSR2');
  const microseconds = await eventually('the processor time', () => told()[before], WITHIN_MS);
  return microseconds / 1_000;
}
