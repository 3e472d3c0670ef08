import type { Insecurity } from '../../lib/insecurity.ts';
import type { Target } from '../../publish/target.ts';
import type { LogEvent } from '../event-log.ts';
import type { Snapshot } from '../health.ts';

/** The fixed configuration of the process. */
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
  readonly target: Target;
  readonly insecurities: readonly Insecurity[];
}

/** All data of the page: rendering is pure. */
export interface View {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly setup: Setup;
  readonly health: Snapshot;
  /** The newest first. */
  readonly writes: readonly LogEvent[];
  /** The newest first. */
  readonly warnings: readonly LogEvent[];
}
