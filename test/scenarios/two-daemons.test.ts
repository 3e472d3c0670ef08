import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeBed } from '../e2e/support/bed.ts';

const FOUGHT_MS = 5_000;
/** Of each daemon, for one object: those at once, and one in ten seconds. */
const MOST_WRITES = 30 + Math.ceil(FOUGHT_MS / 1_000 / 10) + 2;

test('25: Two daemons on one Secret never ping-pong, even if they want different things of it, as during an update', async (t) => {
  const bed = await makeBed(t);
  const daemons = await Promise.all(
    ['old', 'new'].map((version) => bed.startReady({ _AMBASSADOR_LABELS: `version=${version}` })),
  );

  await sleep(FOUGHT_MS);

  // What the ten minutes of the scenario come to: 2 x (30 + 60) at most.
  for (const kind of ['Secret', 'Service'] as const) {
    const writes = bed.cluster.writes(kind);
    assert.ok(writes <= 2 * MOST_WRITES, `${writes} writes of the ${kind}`);
  }
  for (const daemon of daemons) assert.equal((await daemon.get('/readyz')).status, 200);
  const slowed = daemons.flatMap(({ logs }) =>
    logs.filter(({ msg }) => /^somebody else keeps/.test(String(msg))),
  );
  assert.match(String(slowed[0]?.['remedy']), /need the same configuration/);
});
