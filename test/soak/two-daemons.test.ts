import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeBed } from '../e2e/support/bed.ts';
import { fastTimeOf } from '../e2e/support/fast-time.ts';

const TEN_MINUTES_MS = 600_000;
/** Ten minutes of the daemons' time take forty seconds. */
const SPEED = 15;
const SLOWED = 'another writer keeps modifying the object; repairs are rate-limited';

/** How often one daemon may write one object in that time: thirty times at once, then once in ten seconds. */
function most(forMs: number): number {
  return 30 + Math.ceil(forMs / 10_000) + 1;
}

test('25: Two daemons that want different things of one Secret, as during an update, never ping-pong in ten minutes', async (t) => {
  const bed = await makeBed(t);
  const time = fastTimeOf(SPEED, Date.now());
  const startedAt = performance.now();
  const daemons = await Promise.all(
    ['old', 'new'].map((version) => bed.startReady({ ...time, _AMBASSADOR_LABELS: `version=${version}` })),
  );

  const { remedy } = await Promise.race(daemons.map((daemon) => daemon.line(SLOWED)));
  assert.match(String(remedy), /need the same configuration/);
  await sleep(TEN_MINUTES_MS / SPEED);

  const fought = (performance.now() - startedAt) * SPEED;
  for (const kind of ['Secret', 'Service'] as const) {
    const writes = bed.cluster.writes(kind);
    // Without a conflict the test would prove nothing.
    assert.ok(writes > most(0), `only ${writes} writes of the ${kind}`);
    assert.ok(writes <= 2 * most(fought), `${writes} writes of the ${kind} in ${fought} ms`);
  }
  for (const daemon of daemons) await daemon.ready();
});
