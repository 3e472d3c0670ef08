import { setMaxListeners } from 'node:events';
import { newConnector } from '../simulated-connector.ts';
import { seededRandom, VirtualTime } from '../virtual-time.ts';
import { Agent, Mesh, type RootPool, START } from './mesh.ts';
import { Store, StorePublisher } from './store.ts';

const LIFETIME_MS = 3_600_000;

/**
 * Leaf writes per lifetime of a leaf without other events: each agent renews its leaf at another time, at 60 to 90 % of the
 * lifetime.
 */
export async function leafWritesPerLifetime(
  replicas: number,
  lifetimes: number,
  seed: number,
  pool: RootPool,
): Promise<number> {
  const time = new VirtualTime(START, seededRandom(seed));
  const [root] = pool.roots;
  if (root === undefined) throw new Error('the pool is empty');
  const mesh = new Mesh(time, LIFETIME_MS, [{ root, isCrossSigned: false }]);
  const store = new Store(time);
  const stop = new AbortController();
  // Each sleep of each replica adds a listener.
  setMaxListeners(0, stop.signal);
  const running = Array.from({ length: replicas }, async () => {
    await time.sleep(time.random() * LIFETIME_MS, stop.signal);
    if (stop.signal.aborted) return;
    const consul = new Agent(mesh, time.random() * 1_000, false);
    const publisher = new StorePublisher(store, time, { watchDelayMs: 20 });
    await newConnector({ consul, publisher, clock: time.clock, waitMs: 600_000 }).run(stop.signal);
  });
  await time.run(START + lifetimes * LIFETIME_MS, () => undefined);
  stop.abort();
  await Promise.all(running);
  return store.writes.length / lifetimes;
}
