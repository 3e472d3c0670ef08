import { printable } from '../lib/foreign-text.ts';

/** The kinds of Events, which are also shown on the status page. */
export const EVENT_TYPES = {
  /** The identity was written. */
  Published: 'Normal',
  /** The connector has adopted an object that another writer had created. */
  Adopted: 'Normal',
  /** An answer from Consul must not be published. */
  Rejected: 'Warning',
  /** The identity has another trust domain than the previous one. */
  TrustDomainChanged: 'Warning',
  /** The published leaf is about to expire, or has. */
  Expiring: 'Warning',
  /** A leaf is published that no connector has written. */
  ForeignLeaf: 'Warning',
  /** Another writer keeps modifying the published object. */
  ConflictingWriter: 'Warning',
} as const;

export type EventReason = keyof typeof EVENT_TYPES;

export interface LogEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: EventReason;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** One sentence, without keys and tokens. */
  readonly message: string;
  /** The stable code of its error, if any. */
  readonly code?: string | undefined;
  /** What to do about it. */
  readonly remedy?: string | undefined;
}

/** The number of events kept per reason. */
const MAX_KEPT = 10;

/** Keeps the last events of each reason, and notifies listeners of new ones. */
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
