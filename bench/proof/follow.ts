import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsulLeaf, ConsulRoots } from '../../test/fixtures/servers/consul-client.ts';
import type { RealConsul } from '../../test/fixtures/servers/real-consul.ts';

const RETRY_MS = 200;

/** The current leaf of a service, and the current roots. */
export interface Followed {
  leaf: ConsulLeaf;
  roots: ConsulRoots;
  stop(): Promise<void>;
}

/** Follows them by blocking queries, and calls `onChange` after each change. */
export async function followIdentity(
  consul: RealConsul,
  service: string,
  onChange = (): void => undefined,
): Promise<Followed> {
  const followed: Followed = {
    leaf: await consul.leaf(service),
    roots: await consul.roots(),
    async stop() {
      await Promise.all(stops.map((stop) => stop()));
    },
  };
  const stops = [
    follow<ConsulLeaf>(consul, `/v1/agent/connect/ca/leaf/${service}`, (leaf) => {
      followed.leaf = leaf;
      onChange();
    }),
    follow<ConsulRoots>(consul, '/v1/agent/connect/ca/roots', (roots) => {
      followed.roots = roots;
      onChange();
    }),
  ];
  return followed;
}

/** Calls `take` with the answer of a blocking query, at once and at every change, until it is stopped. */
function follow<T>(consul: RealConsul, path: string, take: (answer: T) => void): () => Promise<void> {
  let running = true;

  async function run(): Promise<void> {
    let index = '';
    while (running) {
      try {
        const blocking = index === '' ? path : `${path}?index=${index}&wait=5s`;
        const { status, headers, body } = await consul.get(blocking);
        if (status !== 200) throw new Error(body);
        take(JSON.parse(body));
        index = String(headers['x-consul-index'] ?? '');
      } catch {
        index = '';
        await sleep(RETRY_MS);
      }
    }
  }
  const ended = run();

  return async () => {
    running = false;
    await ended;
  };
}
