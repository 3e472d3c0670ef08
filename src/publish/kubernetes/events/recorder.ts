import { LRUCache } from 'lru-cache';
import { PublishError } from '../../../errors.ts';
import type { Clock } from '../../../lib/clock.ts';
import { TokenBucket } from '../../../lib/token-bucket.ts';
import type { PublishedEvent } from '../../publisher.ts';
import type { KubernetesClient, ObjectRef } from '../api/client.ts';
import type { ObjectCache } from '../object-cache.ts';
import { eventManifest, eventMessage, involvedSecret, type Occurrence, recurrence } from './event.ts';

export interface EventRecorderOptions {
  readonly client: KubernetesClient;
  /** The Secret that the Events are about. */
  readonly secret: ObjectCache;
  readonly clock: Clock;
  readonly onFailure: (error: unknown) => void;
  /** The name of the replica: in a Pod, the name of the Pod. */
  readonly instance: string;
}

/** An Event that may recur. */
interface RecordedEvent extends Occurrence {
  lastAt: number;
  count: number;
  /** The state last written to the API server. */
  sent: { readonly name: string; readonly count: number } | undefined;
}

/** The number of Events at once, and the time for each further one: they are for people, and etcd keeps each for an hour. */
const BURST = 25;
const REFILL_MS = 60_000;
/** The number of different Events whose count can be incremented. */
const REMEMBERED = 50;
const CLOSE_WITHIN_MS = 500;

/**
 * Writes Events about the Secret one after the other, without delaying or failing a publication. A repeat increments the count of
 * its Event, as client-go's recorder does; beyond the rate limit it is only counted, and written with the next repeat.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #bucket: TokenBucket;
  readonly #ended = new AbortController();
  /** By Secret, reason and message. */
  readonly #recorded = new LRUCache<string, RecordedEvent>({ max: REMEMBERED });
  #sending: Promise<void> = Promise.resolve();

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#bucket = new TokenBucket(options.clock, BURST, REFILL_MS);
  }

  record(event: PublishedEvent): void {
    if (this.#ended.signal.aborted) return;
    const recorded = this.#count(event);
    if (this.#bucket.tryTake()) this.#sending = this.#sending.then(() => this.#send(recorded));
  }

  /** Waits at most half a second for pending Events, and records no more. Never rejects. */
  async close(): Promise<void> {
    const sent = new AbortController();
    void this.#options.clock.sleep(CLOSE_WITHIN_MS, sent.signal).then(() => this.#ended.abort());
    await this.#sending;
    sent.abort();
  }

  #count(event: PublishedEvent): RecordedEvent {
    const { secret } = this.#options;
    const { type, reason, at } = event;
    const involved = involvedSecret(secret.ref, secret.known);
    const message = eventMessage(event);
    const key = [involved.uid, reason, message].join('\n');
    const recorded = this.#recorded.get(key) ?? {
      type,
      reason,
      message,
      involved,
      firstAt: at,
      lastAt: at,
      count: 0,
      sent: undefined,
    };
    recorded.count += 1;
    recorded.lastAt = at;
    this.#recorded.set(key, recorded);
    return recorded;
  }

  async #send(recorded: RecordedEvent): Promise<void> {
    const { count, sent } = recorded;
    if (sent?.count === count) return;
    try {
      const name = (sent && (await this.#increment(recorded, sent.name))) ?? (await this.#create(recorded));
      recorded.sent = { name, count };
    } catch (error) {
      if (!this.#ended.signal.aborted) this.#options.onFailure(error);
    }
  }

  async #create(recorded: RecordedEvent): Promise<string> {
    const { client, instance, secret } = this.#options;
    const manifest = eventManifest(recorded, instance);
    return (await client.create(eventRef(secret.ref, secret.ref.name), manifest, this.#ended.signal)).name;
  }

  /** Undefined if the Event is gone: the API server keeps each for an hour. */
  async #increment(recorded: RecordedEvent, name: string): Promise<string | undefined> {
    const { client, secret } = this.#options;
    try {
      await client.merge(eventRef(secret.ref, name), recurrence(recorded), this.#ended.signal);
      return name;
    } catch (error) {
      if (error instanceof PublishError && error.code === 'KUBERNETES_NOT_FOUND') return undefined;
      throw error;
    }
  }
}

function eventRef({ namespace }: ObjectRef, name: string): ObjectRef {
  return { resource: 'events', namespace, name };
}
