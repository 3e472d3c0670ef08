import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeBed } from '../e2e/support/bed.ts';

const FOUGHT_MS = 3_000;
const SLOWED = 'somebody else keeps changing what is published, it is put right only now and then';

/** What one daemon may write of one object in that time: thirty at once, then one in ten seconds. */
function most(forMs: number): number {
  return 30 + Math.ceil(forMs / 10_000) + 1;
}

test('25: Two daemons on one Secret never ping-pong, even if they want different things of it, as during an update', async (t) => {
  const bed = await makeBed(t);
  const startedAt = performance.now();
  const daemons = await Promise.all(
    ['old', 'new'].map((version) => bed.startReady({ _AMBASSADOR_LABELS: `version=${version}` })),
  );

  const { remedy } = await Promise.race(daemons.map((daemon) => daemon.line(SLOWED)));
  assert.match(String(remedy), /need the same configuration/);
  await sleep(FOUGHT_MS);

  // For ten minutes that is 2 x (30 + 60) at most.
  const fought = performance.now() - startedAt;
  for (const kind of ['Secret', 'Service'] as const) {
    const writes = bed.cluster.writes(kind);
    assert.ok(writes <= 2 * most(fought), `${writes} writes of the ${kind} in ${fought} ms`);
  }
  for (const daemon of daemons) assert.equal((await daemon.get('/readyz')).status, 200);
});
