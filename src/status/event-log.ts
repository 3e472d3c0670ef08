import { printable } from '../lib/foreign-text.ts';

/** What people are notified of, in an Event and on the status page. */
export const EVENT_TYPES = {
  /** Something was written. */
  Published: 'Normal',
  /** An object that another writer had made is managed by the connector from now on. */
  Adopted: 'Normal',
  /** What Consul sent must not be published. */
  Rejected: 'Warning',
  /** The identity is of another trust domain than the one before. */
  TrustDomainChanged: 'Warning',
  /** The published leaf is about to expire, or has. */
  Expiring: 'Warning',
  /** Another writer put a leaf in place that no connector published. */
  ForeignLeaf: 'Warning',
  /** Another writer keeps modifying what is published. */
  ConflictingWriter: 'Warning',
} as const;

export type EventReason = keyof typeof EVENT_TYPES;

export interface LogEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: EventReason;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** One sentence; holds no key and no token. */
  readonly message: string;
  /** The stable code of the error behind it, if any. */
  readonly code?: string | undefined;
  /** What a person can do about it. */
  readonly remedy?: string | undefined;
}

/** Events that are kept of each reason. */
const MAX_KEPT = 10;

/** The last events of each reason, and a way to receive the next. */
export class EventLog {
  readonly #events = new Map<EventReason, readonly LogEvent[]>();
  readonly #listeners = new Set<(event: LogEvent) => void>();

  record(event: Omit<LogEvent, 'type'>): void {
    const { reason } = event;
    const typed = { ...event, message: printable(event.message), type: EVENT_TYPES[reason] };
    this.#events.set(reason, [typed, ...(this.#events.get(reason) ?? [])].slice(0, MAX_KEPT));
    for (const listener of this.#listeners) listener(typed);
  }

  /** The newest `count` of one type, the newest first. */
  latest(type: LogEvent['type'], count: number): readonly LogEvent[] {
    return [...this.#events.values()]
      .flat()
      .filter((event) => event.type === type)
      .sort((a, b) => b.at - a.at)
      .slice(0, count);
  }

  /** Calls `listener` for each further event, until the returned function is called. It must not throw. */
  subscribe(listener: (event: LogEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
