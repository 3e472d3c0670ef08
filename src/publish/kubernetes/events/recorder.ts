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
  /** Which replica this is: in a Pod, its name. */
  readonly instance: string;
}

/** An Event that may occur again. */
interface RecordedEvent extends Occurrence {
  lastAt: number;
  count: number;
  /** What was last written to the API server. */
  sent: { readonly name: string; readonly count: number } | undefined;
}

/** So many Events at once, then one in this time: they are for people, and etcd keeps each for an hour. */
const BURST = 25;
const REFILL_MS = 60_000;
/** Different Events that are remembered, so that their count can be raised. */
const REMEMBERED = 50;
const CLOSE_WITHIN_MS = 500;

/**
 * Writes Events on the Secret, one after the other and beside the work: none delays or fails a publication. A repeat
 * increments the count of its Event, as client-go's recorder does; beyond the rate it is counted only, and written with the
 * next repeat.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #bucket: TokenBucket;
  readonly #ended = new AbortController();
  /** By what they say, and of which Secret. */
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

  /** Waits half a second at most for what is under way, and records nothing more. Never rejects. */
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

  /** Undefined where the Event is gone: the API server keeps each for an hour. */
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
