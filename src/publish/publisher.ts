import type { WriteCause } from '../identity/policy/decision.ts';
import type { Content, Published } from '../identity/published.ts';
import type { Manifests } from './manifests.ts';
import type { ObjectName, Target } from './target.ts';

/** The content to publish, and the cause. */
export interface Publication {
  readonly content: Content;
  readonly cause: WriteCause;
  /** The `X-Consul-Index` of the roots in its bundle. */
  readonly rootsIndex?: bigint | undefined;
}

export type WriteOutcome =
  /** Something was written. */
  | 'written'
  /** The target already holds exactly this. */
  | 'unchanged'
  /** Another writer keeps modifying it: the next attempt is delayed, to limit the rate of writes. */
  | 'rate-limited'
  /** Another writer was first: read again and decide again. */
  | 'conflict';

/** Publishes an identity to Kubernetes objects or a folder. It makes no decisions and never deletes. */
export interface Publisher {
  readonly target: Target;
  /**
   * Watches the target until `signal` aborts, and calls `onChange` whenever it may differ from what was read. Never
   * rejects: failures are reported and retried.
   */
  run(onChange: () => void, signal: AbortSignal): Promise<void>;
  /** @throws PublishError */
  read(signal: AbortSignal): Promise<Published | undefined>;
  /** Writes `publication`, unless the target already holds it. @throws PublishError */
  write(publication: Publication, signal: AbortSignal): Promise<WriteOutcome>;
  /** Writes the Service with the TLSContext; after the identity that it refers to. @throws PublishError */
  publishService(signal: AbortSignal): Promise<WriteOutcome>;
  /** Records an event for users, without delaying or failing a write. */
  record(event: PublishedEvent): void;
  close(): Promise<void>;
}

/** A publisher that can return what it would write. */
export interface Preview extends Publisher {
  /** The manifests that `write` and `publishService` would write at that time; writes nothing. @throws PublishError */
  manifests(publication: Publication, at: string, signal: AbortSignal): Promise<Manifests>;
}

/** An event in the terms of Kubernetes: `type` and `reason` as `kubectl get events` prints them. */
export interface PublishedEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** One sentence. */
  readonly message: string;
  /** The stable code of its error, if any. */
  readonly code?: string | undefined;
  readonly remedy?: string | undefined;
}

/** Receives reports of a publisher's work; objects are named as in `secrets ambassador/name`. */
export interface PublishObserver {
  /** A request to the API server ended with `ok` or the code of the error. */
  requested(verb: string, resource: string, outcome: string): void;
  /** A response to a request for the object had a `Warning` header. */
  warned(object: string, warning: string): void;
  /** The API server has accepted a watch. */
  watching(object: string): void;
  /** A watch failed for the `attempt`-th time in a row; the next attempt is in `retryMs` milliseconds. */
  watchFailed(object: string, error: unknown, attempt: number, retryMs: number): void;
  /** The connector has adopted an object that another writer had created. */
  adopted(object: string): void;
  /** Another writer keeps modifying the object; the next write is in `retryMs` milliseconds. */
  rateLimited(object: string, retryMs: number): void;
  /** A write whose answer was lost turned out to have succeeded. */
  confirmed(object: 'identity' | 'service', cause: WriteCause): void;
  /** The API server rejects the ports of the Service in combination with those of other writers; its annotation is written. */
  portsRejected(service: ObjectName, error: unknown): void;
  /** An annotation with an old private key was removed. */
  annotationRemoved(object: string, annotation: string): void;
  eventFailed(error: unknown): void;
}
