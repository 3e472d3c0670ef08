import { ConsulError } from '../errors.ts';
import { backoffMs } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { TokenBucket } from '../lib/token-bucket.ts';
import { nextIndex, readIndex } from './blocking-index.ts';
import type { CaQuery } from './connect-ca.ts';
import type { Connection } from './connection.ts';
import { type AnswerAge, answerAge } from './freshness.ts';

export interface BlockingQueryOptions<T> {
  readonly connection: Connection;
  readonly query: CaQuery<T>;
  /** The `wait` of a blocking query, in milliseconds. */
  readonly waitMs: number;
  readonly clock: Clock;
  /** A usable answer whose content differs from the last one. */
  readonly onChange: (answer: T) => void;
  /** Every usable answer, new or not. */
  readonly onResponse: (response: QueryResponse) => void;
  readonly onError: (error: ConsulError, attempt: number, retryMs: number) => void;
  /** A blocking query timed out. It is sent again at once, on a new connection and without an index. */
  readonly onTimeout: () => void;
}

/** The metadata of a usable answer. */
export interface QueryResponse extends AnswerAge {
  /** Undefined if it has none. */
  readonly index: bigint | undefined;
  /** Whether the query was sent with a higher index: Consul restored a snapshot, or started over. */
  readonly wentBack: boolean;
  /** Whether its content was ignored because it is older than that of a previous answer. */
  readonly isOutdated: boolean;
  /** Whether the preceding failures may continue, because the answer came from a cache. */
  readonly isRecovering: boolean;
}

/** How long past `wait` an answer may take: Consul adds up to wait/16, the rest is for the network. */
const SLACK_MS = 10_000;
/** A query without an index is answered at once, but the first leaf waits for a signature. */
const IMMEDIATE_DEADLINE_MS = 30_000;
const BURST = 5;
const REFILL_MS = 1_000;
/** After a change the process has something to write, which the next query must not delay. */
const REST_AFTER_NEWS_MS = 50;

/**
 * Sends one blocking query repeatedly: at most five requests at once, then one per second, however fast the server answers.
 * Answers are compared by content, not by index: before 1.4.1 a renewal could keep its index, and configuration writes raise it
 * with the same content.
 */
export class BlockingQuery<T> {
  readonly #options: BlockingQueryOptions<T>;
  readonly #bucket: TokenBucket;
  #index: bigint | undefined;
  #content: string | undefined;
  #interrupt = new AbortController();
  /** Whether a query without an index is pending. */
  #isImmediate = false;
  /** Whether another one must follow it. */
  #again = false;
  /** When the last fresh answer arrived, by the monotonic clock. */
  #freshAt = Number.NEGATIVE_INFINITY;
  /** Consecutive timeouts of queries without an index. */
  #unanswered = 0;

  constructor(options: BlockingQueryOptions<T>) {
    this.#options = options;
    this.#bucket = new TokenBucket(options.clock, BURST, REFILL_MS);
  }

  /** Aborts the pending request and sends the query again without an index: some versions never wake a leaf query (PR #15005). */
  refetch(): void {
    this.#index = undefined;
    // Aborting a query without an index to send another one could postpone its timeout forever.
    if (this.#isImmediate) this.#again = true;
    else this.#interrupt.abort();
  }

  /** Runs until `signal` aborts. Never rejects because of Consul's answers. */
  async run(signal: AbortSignal): Promise<void> {
    const onAbort = (): void => this.#interrupt.abort();
    signal.addEventListener('abort', onAbort, { once: true });
    let failures = 0;
    // An agent that has lost its servers answers a query without an index from its cache, and fails the following one with an
    // index (seen with 1.8.7): one such answer does not end the failures.
    let answers = 0;
    while (!signal.aborted) {
      await this.#bucket.take(signal);
      if (signal.aborted) break;
      this.#interrupt = new AbortController();
      const interrupt = this.#interrupt.signal;
      const known = this.#content;
      try {
        const response = await this.#send(interrupt);
        if (interrupt.aborted || response === undefined) continue;
        answers += 1;
        this.#unanswered = 0;
        if (answers > 1 || response.freshness === 'fresh') failures = 0;
        this.#options.onResponse({ ...response, isRecovering: failures > 0 });
        if (this.#content !== known) await this.#options.clock.sleep(REST_AFTER_NEWS_MS, interrupt);
      } catch (error) {
        if (interrupt.aborted) continue;
        const silent = this.#index !== undefined && isTimeout(error);
        if (!silent) this.#unanswered = isTimeout(error) ? this.#unanswered + 1 : 0;
        // The index may be the cause of the error.
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

  /** Undefined if `signal` aborted. */
  async #send(signal: AbortSignal): Promise<Omit<QueryResponse, 'isRecovering'> | undefined> {
    const { connection, query, waitMs, onChange } = this.#options;
    const index = this.#index;
    const parameters = new URLSearchParams({ wait: `${waitMs}ms` });
    if (index !== undefined) parameters.set('index', index.toString());
    this.#again = false;
    this.#isImmediate = index === undefined;
    const deadline = deadlineMs(waitMs, index, this.#unanswered);
    const answer = await connection.get(query.path, parameters, deadline, signal).finally(() => {
      this.#isImmediate = false;
    });
    if (signal.aborted) return undefined;
    const age = answerAge(query.subject, answer.age);
    if (age.freshness === 'fresh') this.#freshAt = this.#options.clock.monotonic();
    const isOutdated = this.#isOutdated(age);
    if (answer.text !== this.#content && !isOutdated) {
      const decoded = query.decode(answer.text);
      this.#content = answer.text;
      onChange(decoded);
    }
    this.#index = this.#again ? undefined : nextIndex(index, answer.index);
    const answered = readIndex(answer.index);
    const wentBack = index !== undefined && answered !== undefined && answered < index;
    return { ...age, index: answered, wentBack, isOutdated };
  }

  /** Whether a stale answer was fetched before the last fresh one, which may have come from another agent. */
  #isOutdated({ freshness, ageSeconds }: AnswerAge): boolean {
    // `Age` is rounded down.
    const fetchedAt = this.#options.clock.monotonic() - (ageSeconds + 1) * 1_000;
    return freshness === 'stale' && fetchedAt < this.#freshAt;
  }
}

/**
 * The timeout of a query in milliseconds, which detects dead connections. A timeout of a query with an index is not an error,
 * because Consul 1.2 to 1.4.0 ignore `wait` on the leaf and block for ten minutes (consul #4462): the next query has no index,
 * and a live server answers it at once. Before Consul 1.11.6 and 1.12.1 that query too may block while another client waits for
 * the same leaf, so each timeout doubles the deadline of the next attempt, up to that of a query with an index.
 */
function deadlineMs(waitMs: number, index: bigint | undefined, unanswered: number): number {
  const blocking = waitMs + Math.ceil(waitMs / 16) + SLACK_MS;
  if (index !== undefined) return blocking;
  return Math.max(IMMEDIATE_DEADLINE_MS, Math.min(blocking, IMMEDIATE_DEADLINE_MS * 2 ** unanswered));
}

function isTimeout(error: unknown): boolean {
  return error instanceof ConsulError && error.code === 'CONSUL_TIMEOUT';
}

function asConsulError(error: unknown): ConsulError {
  if (error instanceof ConsulError) return error;
  return new ConsulError('CONSUL_INVALID_RESPONSE', "Consul's answer could not be used", {
    remedy: 'check that _CONSUL_HOST and _CONSUL_PORT lead to Consul; if they do, report this as a bug',
    cause: error,
  });
}
