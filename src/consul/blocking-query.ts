import { ConsulError } from '../errors.ts';
import { backoffMs } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { TokenBucket } from '../lib/token-bucket.ts';
import { nextIndex } from './blocking-index.ts';
import type { CaQuery } from './connect-ca.ts';
import type { Connection } from './connection.ts';
import { type AnswerAge, answerAge } from './freshness.ts';

export interface BlockingQueryOptions<T> {
  readonly connection: Connection;
  readonly query: CaQuery<T>;
  /** Longest block asked for, in milliseconds. */
  readonly waitMs: number;
  readonly clock: Clock;
  /** A usable answer whose content differs from the last one. */
  readonly onChange: (answer: T) => void;
  /** Every usable answer, new or not; `isRecovering` where the failures before it may go on, as it came out of a cache. */
  readonly onResponse: (age: AnswerAge, isRecovering: boolean) => void;
  readonly onError: (error: ConsulError, attempt: number, retryMs: number) => void;
  /** A blocking query ended unanswered: sent again at once, on a new connection and without an index. */
  readonly onTimeout: () => void;
}

/** How long past `wait` an answer may take: Consul adds up to wait/16, the rest is for the network. */
const SLACK_MS = 10_000;
/** A query without an index is answered at once, but the first leaf waits for a signature. */
const IMMEDIATE_DEADLINE_MS = 30_000;
const BURST = 5;
const REFILL_MS = 1_000;

/**
 * Sends one blocking query for ever: at most five requests at once and then one a second, whatever the server does.
 * Answers are compared by content, never by index: before 1.4.1 a renewal could keep its index, and configuration
 * writes raise it with the same content.
 */
export class BlockingQuery<T> {
  readonly #options: BlockingQueryOptions<T>;
  readonly #bucket: TokenBucket;
  #index: bigint | undefined;
  #content: string | undefined;
  #interrupt = new AbortController();
  /** Whether a query without an index is under way. */
  #isImmediate = false;
  /** Whether another one is to follow it. */
  #again = false;

  constructor(options: BlockingQueryOptions<T>) {
    this.#options = options;
    this.#bucket = new TokenBucket(options.clock, BURST, REFILL_MS);
  }

  /** Ends the request under way and sends the query again without an index: some versions never wake a leaf query (PR #15005). */
  refetch(): void {
    this.#index = undefined;
    // To end one without an index for another such would put off for ever that the server does not answer it.
    if (this.#isImmediate) this.#again = true;
    else this.#interrupt.abort();
  }

  /** Runs until `signal` aborts. Never rejects over what Consul says. */
  async run(signal: AbortSignal): Promise<void> {
    const onAbort = (): void => this.#interrupt.abort();
    signal.addEventListener('abort', onAbort, { once: true });
    let failures = 0;
    // An agent that has lost its servers answers a query without an index from its cache, and fails the one with an
    // index that follows (seen with 1.8.7): one such answer is no end of the failures.
    let answers = 0;
    while (!signal.aborted) {
      await this.#bucket.take(signal);
      if (signal.aborted) break;
      this.#interrupt = new AbortController();
      const interrupt = this.#interrupt.signal;
      try {
        const age = await this.#send(interrupt);
        if (interrupt.aborted || age === undefined) continue;
        answers += 1;
        if (answers > 1 || age.freshness === 'fresh') failures = 0;
        this.#options.onResponse(age, failures > 0);
      } catch (error) {
        if (interrupt.aborted) continue;
        const silent = this.#index !== undefined && isTimeout(error);
        // An index that led to an error may be the cause of it.
        this.#index = undefined;
        if (silent) {
          this.#options.onTimeout();
          continue;
        }
        answers = 0;
        failures += 1;
        const retryMs = backoffMs(failures, this.#options.clock.random);
        this.#options.onError(asConsulError(error), failures, retryMs);
        await this.#options.clock.sleep(retryMs, interrupt);
      }
    }
    signal.removeEventListener('abort', onAbort);
  }

  /** Undefined where `signal` aborted. */
  async #send(signal: AbortSignal): Promise<AnswerAge | undefined> {
    const { connection, query, waitMs, onChange } = this.#options;
    const index = this.#index;
    const parameters = new URLSearchParams({ wait: `${waitMs}ms` });
    if (index !== undefined) parameters.set('index', index.toString());
    this.#again = false;
    this.#isImmediate = index === undefined;
    const deadline = deadlineMs(waitMs, index);
    const answer = await connection.get(query.path, parameters, deadline, signal).finally(() => {
      this.#isImmediate = false;
    });
    if (signal.aborted) return undefined;
    if (answer.text !== this.#content) {
      const decoded = query.decode(answer.text);
      this.#content = answer.text;
      onChange(decoded);
    }
    this.#index = this.#again ? undefined : nextIndex(index, answer.index);
    return answerAge(query.subject, answer.age);
  }
}

/**
 * Milliseconds until a query is given up: the watchdog for connections that died silently. With an index that is not an
 * error, since Consul 1.2 to 1.4.0 ignore `wait` on the leaf and block for ten minutes (consul #4462): the query that
 * follows has no index, is answered at once by a server that lives, and tells the two apart.
 */
function deadlineMs(waitMs: number, index: bigint | undefined): number {
  return index === undefined ? IMMEDIATE_DEADLINE_MS : waitMs + Math.ceil(waitMs / 16) + SLACK_MS;
}

function isTimeout(error: unknown): boolean {
  return error instanceof ConsulError && error.code === 'CONSUL_TIMEOUT';
}

function asConsulError(error: unknown): ConsulError {
  if (error instanceof ConsulError) return error;
  return new ConsulError('CONSUL_INVALID_RESPONSE', "Consul's answer could not be used", {
    remedy: 'see that _CONSUL_HOST and _CONSUL_PORT lead to Consul; if they do, report this as a bug',
    cause: error,
  });
}
