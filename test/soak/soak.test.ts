import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soak } from './soak.ts';
import { assertSound } from './verdict.ts';

const SECONDS = 60;
/** A loaded machine still answers within the daemon's deadlines at this speed. */
const SPEED = 6;

test('after a minute of renewals, rotations and faults the Secret is correct and nothing stays open', async (t) => {
  const seed = Number(process.env['SOAK_SEED'] ?? Date.now() % 1_000_000);
  t.diagnostic(`seed ${seed}: npm run soak -- --seconds ${SECONDS} --speed ${SPEED} --seed ${seed}`);
  const unbounded = { renewals: Number.POSITIVE_INFINITY, rotations: Number.POSITIVE_INFINITY };

  const report = await soak({ seed, seconds: SECONDS, speed: SPEED, ...unbounded });

  t.diagnostic(JSON.stringify(report));
  assertSound(report);
  assert.ok(report.renewals > 40 && report.rotations > 4, 'there were too few changes');
});
