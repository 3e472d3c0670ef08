import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeRootPool } from '../../simulation/replicas/mesh.ts';
import { leafWritesPerLifetime } from '../../simulation/replicas/steady.ts';
import { MODES, simulateReplicas } from '../../simulation/replicas/world.ts';

const pool = await makeRootPool();
const SEEDS = 13;
/** Different in each run. */
const FIRST = Math.floor(Math.random() * 2 ** 31);

for (const mode of MODES) {
  for (const replicas of [2, 5]) {
    test(`${replicas} replicas, ${mode}: what is published is valid, and few writes are needless (seeds from ${FIRST})`, async () => {
      let needless = 0;
      for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
        const outcome = await simulateReplicas({ mode, replicas, seed }, pool);
        assert.deepEqual(outcome.violations, [], `seed ${seed}`);
        assert.ok(outcome.needless <= 5, `seed ${seed}: ${outcome.needless} needless writes`);
        needless += outcome.needless;
      }
      assert.ok(needless <= SEEDS, `${needless} needless writes in ${SEEDS} seeds`);
    });
  }
}

for (const replicas of [2, 5]) {
  test(`F7: ${replicas} replicas write at most 1.6 leaves per lifetime`, async () => {
    const writes = await leafWritesPerLifetime(replicas, 100, 1, pool);
    assert.ok(writes > 1 && writes <= 1.6, `${writes} writes`);
  });
}
