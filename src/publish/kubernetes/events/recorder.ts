import type { Logger } from 'pino';
import { describeError, PublishError } from '../../../errors.ts';
import { TokenBucket } from '../../../lib/backoff.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { LogEvent } from '../../../status/event-log.ts';
import type { KubernetesClient, ObjectRef } from '../api/client.ts';
import type { ObjectCache } from '../object-cache.ts';
import { eventManifest, eventMessage, involvedSecret, type Occurrence, recurrence } from './event.ts';

export interface EventRecorderOptions {
  readonly client: KubernetesClient;
  /** The Secret that the Events are about. */
  readonly secret: ObjectCache;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Which replica tells: in a Pod, its name. */
  readonly reporter: string;
}

/** An Event that may be told again. */
interface RecordedEvent extends Occurrence {
  lastAt: number;
  count: number;
  /** The last that the API server knows of it. */
  sent: { readonly name: string; readonly count: number } | undefined;
}

/** So many Events at once, then one in this time: they are for people, and etcd keeps each for an hour. */
const BURST = 25;
const REFILL_MS = 60_000;
/** Different Events that are remembered, so that their count can be raised. */
const REMEMBERED = 50;
const CLOSE_WITHIN_MS = 500;

/**
 * Tells episodes as Events on the Secret, one after the other and beside the work: none delays or fails a publication.
 * What happens again raises the count of its Event, as client-go's recorder does; what exceeds the rate is counted all
 * the same, and told when it happens next.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #bucket: TokenBucket;
  readonly #ended = new AbortController();
  /** By what they say, and of which Secret. The most recent is the last. */
  readonly #told = new Map<string, RecordedEvent>();
  readonly #complaints = new Set<string>();
  #sending: Promise<void> = Promise.resolve();

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#bucket = new TokenBucket(options.clock, BURST, REFILL_MS);
  }

  record(episode: LogEvent): void {
    if (this.#ended.signal.aborted) return;
    const told = this.#remember(episode);
    if (this.#bucket.tryTake()) this.#sending = this.#sending.then(() => this.#send(told));
  }

  /** Waits half a second at most for what is under way, and records nothing more. Never rejects. */
  async close(): Promise<void> {
    const sent = new AbortController();
    void this.#options.clock.sleep(CLOSE_WITHIN_MS, sent.signal).then(() => this.#ended.abort());
    await this.#sending;
    sent.abort();
  }

  #remember(episode: LogEvent): RecordedEvent {
    const { secret } = this.#options;
    const { kind, at } = episode;
    const involved = involvedSecret(secret.ref, secret.known);
    const message = eventMessage(episode);
    const key = [involved.uid, kind, message].join('\n');
    const told = this.#told.get(key) ?? {
      kind,
      message,
      involved,
      firstAt: at,
      lastAt: at,
      count: 0,
      sent: undefined,
    };
    told.count += 1;
    told.lastAt = at;
    // Out and in again: the one that was told longest ago is the first to be forgotten.
    this.#told.delete(key);
    this.#told.set(key, told);
    const [oldest] = this.#told.keys();
    if (oldest !== undefined && this.#told.size > REMEMBERED) this.#told.delete(oldest);
    return told;
  }

  async #send(told: RecordedEvent): Promise<void> {
    const { count, sent } = told;
    if (sent?.count === count) return;
    try {
      const name = (sent && (await this.#raise(told, sent.name))) ?? (await this.#create(told));
      told.sent = { name, count };
    } catch (error) {
      this.#complain(error);
    }
  }

  async #create(told: RecordedEvent): Promise<string> {
    const { client, reporter, secret } = this.#options;
    const manifest = eventManifest(told, reporter);
    return (await client.create(eventRef(secret.ref, secret.ref.name), manifest, this.#ended.signal)).name;
  }

  /** Undefined where the Event is gone: the API server keeps each for an hour. */
  async #raise(told: RecordedEvent, name: string): Promise<string | undefined> {
    const { client, secret } = this.#options;
    try {
      await client.merge(eventRef(secret.ref, name), recurrence(told), this.#ended.signal);
      return name;
    } catch (error) {
      if (error instanceof PublishError && error.code === 'KUBERNETES_NOT_FOUND') return undefined;
      throw error;
    }
  }

  /** Once a cause, by its remedy: a right that is missing is missed with every Event. */
  #complain(error: unknown): void {
    const described = describeError(error);
    const cause = `${described.code} ${described.remedy}`;
    if (this.#ended.signal.aborted || this.#complaints.has(cause)) return;
    this.#complaints.add(cause);
    this.#options.logger.warn(described, 'writing an Event failed');
  }
}

function eventRef({ namespace }: ObjectRef, name: string): ObjectRef {
  return { resource: 'events', namespace, name };
}
