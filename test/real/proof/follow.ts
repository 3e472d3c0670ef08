import { setTimeout as sleep } from 'node:timers/promises';
import type { RealConsul } from '../../fixtures/servers/real-consul.ts';

const ASK_AGAIN_MS = 200;

/** Calls `take` with the answer of a blocking query at once and at every change; what is returned ends that. */
export function follow<T>(consul: RealConsul, path: string, take: (answer: T) => void): () => Promise<void> {
  let running = true;

  async function run(): Promise<void> {
    let index = '';
    while (running) {
      try {
        const { status, headers, body } = await consul.get(
          index === '' ? path : `${path}?index=${index}&wait=5s`,
        );
        if (status !== 200) throw new Error(body);
        take(JSON.parse(body));
        index = String(headers['x-consul-index'] ?? '');
      } catch {
        index = '';
        await sleep(ASK_AGAIN_MS);
      }
    }
  }
  const ended = run();

  return async () => {
    running = false;
    await ended;
  };
}
