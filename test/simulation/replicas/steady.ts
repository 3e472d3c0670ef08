import { setMaxListeners } from 'node:events';
import { Connector } from '../../../src/connector/connector.ts';
import { seededRandom, VirtualTime } from '../virtual-time.ts';
import { Agent, ANYWHERE, Mesh, type RootPool, SERVICE, START } from './mesh.ts';
import { Store, StorePublisher } from './store.ts';
import { UNREPORTED } from './world.ts';

const LIFETIME_MS = 3_600_000;

/**
 * Leaf writes for each lifetime of a leaf while nothing happens: replicas whose agents renew each at a time of its own, at 60
 * to 90 % of the lifetime.
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
  // Each sleep of each replica listens for the end.
  setMaxListeners(0, stop.signal);
  const running = Array.from({ length: replicas }, async () => {
    await time.sleep(time.random() * LIFETIME_MS, stop.signal);
    if (stop.signal.aborted) return;
    await new Connector({
      consul: new Agent(mesh, time.random() * 1_000, false),
      service: SERVICE,
      scope: ANYWHERE,
      waitMs: 600_000,
      publisher: new StorePublisher(store, time, 20, false, false, 0),
      verifiesUpstream: false,
      clock: time.clock,
      reporter: UNREPORTED,
    }).run(stop.signal);
  });
  await time.run(START + lifetimes * LIFETIME_MS, () => undefined);
  stop.abort();
  await Promise.all(running);
  return store.writes.length / lifetimes;
}
