import type { LogEvent } from '../event-log.ts';
import type { Snapshot } from '../health.ts';

/** What the process was set up to do: known at its start, and the same until its end. */
export interface Setup {
  readonly version: string;
  /** May be empty. */
  readonly ambassadorId: string;
  /** The Consul service whose leaf is published. */
  readonly consulService: string;
  /** As URLs. */
  readonly consulServers: readonly string[];
  /** The name by which Mappings use the identity. */
  readonly tlsContext: string;
  /** What is written where: a `directory`, or `kubernetes` with the objects as `namespace/name`. */
  readonly target: Readonly<Record<string, string>>;
}

/** All that the page shows: rendering it is pure. */
export interface View {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly setup: Setup;
  readonly health: Snapshot;
  /** The newest first. */
  readonly writes: readonly LogEvent[];
  /** What was refused and what else a person should know, the newest first. */
  readonly troubles: readonly LogEvent[];
}
