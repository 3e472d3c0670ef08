import type { Clock } from '../../src/clock.ts';
import { type Answer, textAnswer } from './answer.ts';
import type { Changes } from './changes.ts';
import { parseGoDuration } from './duration.ts';

export interface BlockingQuery {
  /** Wait until the state is newer than this; 0 asks for it as it is. */
  readonly index: bigint;
  readonly waitMs: number;
}

/** A state with the index of its last change. */
export interface Versioned<T> {
  readonly index: bigint;
  readonly value: T;
}

const DEFAULT_WAIT_MS = 300_000;
const LONGEST_WAIT_MS = 600_000;

/** Reads `index` and `wait`, or refuses them in Consul's words (agent/http.go, parseWait). */
export function parseBlockingQuery(query: URLSearchParams): BlockingQuery | Answer {
  const wait = query.get('wait') ?? '';
  const asked = wait === '' ? 0 : parseGoDuration(wait);
  if (asked === undefined) return textAnswer(400, 'Invalid wait time');
  const index = query.get('index') ?? '';
  if (!/^\d*$/.test(index)) return textAnswer(400, 'Invalid index');
  const waitMs = asked === 0 ? DEFAULT_WAIT_MS : Math.min(asked, LONGEST_WAIT_MS);
  return { index: index === '' ? 0n : BigInt(index), waitMs };
}

/**
 * Reads the state until its index is above the asked one, or until the wait and a random part of up to a sixteenth of it
 * are over: then the state is given as it is, even where its index went backwards. An abort ends the wait as well.
 */
export async function blockUntilNewer<T>(
  read: () => Promise<Versioned<T>>,
  query: BlockingQuery,
  changes: Changes,
  clock: Clock,
  signal: AbortSignal,
): Promise<Versioned<T>> {
  if (query.index === 0n) return read();
  const settled = new AbortController();
  const end = (): void => settled.abort();
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  let over = false;
  const wait = clock.sleep(query.waitMs * (1 + clock.random() / 16), settled.signal).then(() => {
    over = true;
  });
  try {
    for (;;) {
      const changed = changes.next();
      const state = await read();
      if (state.index > query.index || over) return state;
      await Promise.race([changed, wait]);
    }
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}
