/** What a person is told of, in an Event and on the status page. */
export type LogEventKind =
  /** Something was written. */
  | 'published'
  /** What Consul sent must not be published. */
  | 'rejected'
  /** An object that somebody else had made is kept by the connector from now on. */
  | 'adopted'
  /** The published leaf is about to expire, or has. */
  | 'expiring'
  /** Somebody else keeps changing what is published. */
  | 'rate-limited';

export interface LogEvent {
  readonly kind: LogEventKind;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** One sentence; holds no key and no token. */
  readonly text: string;
  /** The stable code of the error behind it, if one is. */
  readonly code?: string | undefined;
  /** What mends it, where a person can. */
  readonly remedy?: string | undefined;
}

const KEPT = 10;

/** The last episodes of each kind, and whoever wants to hear of the next. */
export class EventLog {
  readonly #episodes = new Map<LogEventKind, readonly LogEvent[]>();
  readonly #listeners = new Set<(episode: LogEvent) => void>();

  record(episode: LogEvent): void {
    this.#episodes.set(episode.kind, [episode, ...this.latest(episode.kind)].slice(0, KEPT));
    for (const listener of this.#listeners) listener(episode);
  }

  /** The newest first, ten at most. */
  latest(kind: LogEventKind): readonly LogEvent[] {
    return this.#episodes.get(kind) ?? [];
  }

  /** Calls `listener` for each further episode, until the returned function is called. It must not throw. */
  subscribe(listener: (episode: LogEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
