import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY_MS, HOUR_MS, simulate } from '../../simulation/simulate.ts';

const RUNS = {
  'an hour': { lifetimeMs: HOUR_MS, simulatedMs: 4 * DAY_MS },
  'a day': { lifetimeMs: DAY_MS, simulatedMs: 60 * DAY_MS },
  'three days': { lifetimeMs: 3 * DAY_MS, simulatedMs: 180 * DAY_MS },
  'thirty days': { lifetimeMs: 30 * DAY_MS, simulatedMs: 365 * DAY_MS },
  'a year': { lifetimeMs: 365 * DAY_MS, simulatedMs: 8 * 365 * DAY_MS },
};

for (const seed of [1, Math.floor(Math.random() * 2 ** 31)]) {
  for (const [lifetime, run] of Object.entries(RUNS)) {
    test(`leaves of ${lifetime} are valid at every instant, with no needless write (seed ${seed})`, async () => {
      const { invalid, writes, least } = await simulate({ ...run, seed });

      assert.deepEqual(invalid, []);
      assert.ok(writes > 5, `only ${writes} writes`);
      assert.equal(writes, least);
    });
  }
}
