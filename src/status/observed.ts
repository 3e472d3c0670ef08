import type { EventLog } from './event-log.ts';
import type { Health } from './health.ts';
import type { Metrics } from './metrics.ts';
import type { Setup, View } from './page/view.ts';

/** The data of the status port. */
export interface Observed {
  readonly health: Health;
  readonly metrics: Metrics;
  readonly eventLog: EventLog;
  readonly setup: Setup;
}

const SHOWN = 5;

/** The data of the page at `at`, in milliseconds since the epoch. */
export function viewOf({ health, eventLog, setup }: Observed, at: number): View {
  return {
    at,
    setup,
    health: health.snapshot(),
    writes: eventLog.latest('Normal', SHOWN),
    warnings: eventLog.latest('Warning', SHOWN),
  };
}
