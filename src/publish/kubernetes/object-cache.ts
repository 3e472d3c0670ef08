import { PublishError, retryAfterOf } from '../../errors.ts';
import { backoffMs } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import { orAborted } from '../../lib/or-aborted.ts';
import { TokenBucket } from '../../lib/token-bucket.ts';
import type { PublishObserver } from '../publisher.ts';
import { isAt, type KubernetesClient, type ObjectRef, type WatchEvent } from './api/client.ts';
import { describeObject, errorOfFailure } from './api/errors.ts';
import { asRecord, decodeObject, type KubernetesObject } from './api/object.ts';

export interface ObjectCacheOptions {
  readonly client: KubernetesClient;
  readonly ref: ObjectRef;
  readonly clock: Clock;
  readonly observer: Pick<PublishObserver, 'watching' | 'watchFailed'>;
}

const BURST = 5;
const REFILL_MS = 1_000;
const MAX_BACKOFF_MS = 30_000;
/** A watch that lasted this long counts as a success, even if it ends with an error. */
const LONG_LIVED_MS = 30_000;

/**
 * The latest known state of one object. client-node's informers die on the first dropped socket or 401 and cannot select one
 * object, so this is our own loop: list, watch, and start over after any error.
 */
export class ObjectCache {
  readonly ref: ObjectRef;
  readonly #options: ObjectCacheOptions;
  /** The object, or undefined if there is none, as of `version`. */
  #known: { object: KubernetesObject | undefined; version: string } | undefined;
  /** The first read of `run`. */
  #first: Promise<unknown> | undefined;
  /** The version created by our last write. */
  #ours: string | undefined;

  constructor(options: ObjectCacheOptions) {
    this.#options = options;
    this.ref = options.ref;
  }

  /** The last known object, without a request. */
  get known(): KubernetesObject | undefined {
    return this.#known?.object;
  }

  /** The last known object, or undefined if it does not exist. Reads it if it is not known yet. */
  async current(signal: AbortSignal): Promise<KubernetesObject | undefined> {
    if (this.#known === undefined) await (this.#first && orAborted(this.#first, signal));
    if (this.#known === undefined) await this.refresh(signal);
    return this.#known?.object;
  }

  /**
   * Reads the object from the API server now. The result replaces the known state even if its resourceVersion is lower, as
   * after a restore of etcd, unless the watch or a write has changed that state during the read.
   *
   * @throws PublishError
   */
  async refresh(signal: AbortSignal): Promise<void> {
    const before = this.#known;
    const { object, resourceVersion } = await this.#options.client.read(this.ref, signal);
    if (this.#known === before) this.#known = { object, version: resourceVersion };
    else this.#learn(object, resourceVersion);
  }

  /** Accepts the result of our own write, so that the next decision does not wait for the watch. */
  accept(object: KubernetesObject): void {
    this.#ours = object.resourceVersion;
    this.#learn(object, object.resourceVersion);
  }

  /** Whether our own write was the last one. */
  get isOwnWrite(): boolean {
    return this.#ours !== undefined && this.#ours === this.#known?.version;
  }

  /** Keeps the known state current until `signal` aborts; calls `onChange` whenever it may have changed. Never rejects. */
  async run(onChange: () => void, signal: AbortSignal): Promise<void> {
    const { clock, observer } = this.#options;
    const bucket = new TokenBucket(clock, BURST, REFILL_MS);
    let resourceVersion: string | undefined;
    // Consecutive failures: reset by a watch that delivered an event or lasted long.
    let failures = 0;
    while (!signal.aborted) {
      await bucket.take(signal);
      if (signal.aborted) return;
      let workedAt = Number.POSITIVE_INFINITY;
      const onEvent = (): void => {
        failures = 0;
      };
      try {
        if (resourceVersion === undefined) {
          resourceVersion = await this.#startOver(signal);
          onChange();
        }
        workedAt = clock.monotonic() + LONG_LIVED_MS;
        resourceVersion = await this.#follow(resourceVersion, onEvent, onChange, signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        resourceVersion = undefined;
        if (error instanceof PublishError && error.code === 'KUBERNETES_GONE') continue;
        failures = clock.monotonic() >= workedAt ? 1 : failures + 1;
        const retryMs = retryAfterOf(error) + backoffMs(failures, clock.random, MAX_BACKOFF_MS);
        observer.watchFailed(describeObject(this.ref), error, failures, retryMs);
        // The next read fails too, and reports the error.
        if (this.#known === undefined) onChange();
        await clock.sleep(retryMs, signal);
      }
    }
  }

  /**
   * Follows one watch to its end and returns the resourceVersion to continue from; undefined if it delivered nothing, not even a
   * bookmark: after a restore of etcd the API server accepts a watch from a resourceVersion it has not reached yet, and sends
   * nothing.
   */
  async #follow(
    from: string,
    onEvent: () => void,
    onChange: () => void,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { client, observer } = this.#options;
    const onOpen = (): void => observer.watching(describeObject(this.ref));
    let resourceVersion: string | undefined;
    for await (const event of client.watch(this.ref, from, onOpen, signal)) {
      if (event.type === 'ERROR') throw errorOfEvent(event, this.ref);
      const object = decodeEventObject(event);
      if (event.type !== 'BOOKMARK' && !isAt(object, this.ref)) continue;
      resourceVersion = object.resourceVersion;
      onEvent();
      if (event.type === 'BOOKMARK') continue;
      if (this.#learn(event.type === 'DELETED' ? undefined : object, resourceVersion)) onChange();
    }
    return resourceVersion;
  }

  /** Reads before a new watch, and always accepts the result: after a restored backup, resourceVersions are lower than before. */
  async #startOver(signal: AbortSignal): Promise<string> {
    const reading = this.#options.client.read(this.ref, signal);
    // Shared with concurrent callers of `current`; if it fails, their own read reports the error.
    this.#first = this.#known === undefined ? reading.catch(() => undefined) : undefined;
    const { object, resourceVersion } = await reading;
    this.#known = { object, version: resourceVersion };
    return resourceVersion;
  }

  /**
   * Accepts a newer state and returns whether it was newer: an event may overtake the answer to a write or a read, which must
   * not undo it. resourceVersions can be ordered (KEP-5504); if they are not numbers, every state counts as newer, and a decision
   * on an old one ends in a 409.
   */
  #learn(object: KubernetesObject | undefined, version: string): boolean {
    if (this.#known !== undefined && isAtMost(version, this.#known.version)) return false;
    this.#known = { object, version };
    return true;
  }
}

function isAtMost(version: string, other: string): boolean {
  const isNumber = /^\d+$/;
  return isNumber.test(version) && isNumber.test(other) && BigInt(version) <= BigInt(other);
}

/** A bookmark has no name: only its resourceVersion is used. */
function decodeEventObject(event: WatchEvent): KubernetesObject {
  if (event.type !== 'BOOKMARK') return decodeObject(event.object);
  const metadata = asRecord(asRecord(event.object)['metadata']);
  return decodeObject({ metadata: { ...metadata, name: '' } });
}

function errorOfEvent(event: WatchEvent, ref: ObjectRef): PublishError {
  const { code, message } = asRecord(event.object);
  const status = typeof code === 'number' ? code : 500;
  const reason = typeof message === 'string' ? message : 'the API server gave no reason';
  const failure = { status, reason: '', message: reason, retryAfterMs: 0 };
  return errorOfFailure(failure, { ...ref, verb: 'watch' });
}
