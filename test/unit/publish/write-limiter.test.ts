import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { systemClock } from '../../../src/lib/clock.ts';
import { ObjectCache } from '../../../src/publish/kubernetes/object-cache.ts';
import { WriteLimiter } from '../../../src/publish/kubernetes/write-limiter.ts';
import { SILENT, startCluster } from './cluster.ts';

const BURST = 30;

for (const [urgency, refillMs] of [
  ['ordinary', 10_000],
  ['urgent', 1_000],
] as const) {
  test(`after thirty changes of another writer one ${urgency} write is allowed in ${refillMs} ms`, async (t) => {
    const { connect, signal } = await startCluster(t);
    const ref = { resource: 'secrets', namespace: 'ambassador', name: 'identity' } as const;
    const cache = new ObjectCache({ client: await connect(), ref, clock: systemClock, observer: SILENT });
    let now = 0;
    let retries = 0;
    const limited: number[] = [];
    const limiter = new WriteLimiter({
      clock: { ...systemClock, monotonic: () => now, sleep: async () => undefined },
      onLimited: (_cache, retryMs) => limited.push(retryMs),
      onRetry: () => {
        retries += 1;
      },
    });
    const mayWrite = () => limiter.tryAcquireWrite(cache, urgency, signal);

    const first = Array.from({ length: BURST }, mayWrite);
    const [next, early, inTime] = [0, refillMs - 1, 1].map((ms) => {
      now += ms;
      return mayWrite();
    });
    await turn();

    assert.ok(first.every((isAllowed) => isAllowed));
    assert.deepEqual([next, early, inTime], [false, false, true]);
    assert.deepEqual(limited, [refillMs]);
    assert.equal(retries, 1);
  });
}
