import type { EventLog } from './event-log.ts';
import type { Health } from './health.ts';
import type { Metrics } from './metrics.ts';
import type { Setup, View } from './page/view.ts';

/** What the status port tells of. */
export interface Observed {
  readonly health: Health;
  readonly metrics: Metrics;
  readonly eventLog: EventLog;
  readonly setup: Setup;
}

/** What the page shows at `at`, in milliseconds since the epoch. */
export function viewOf({ health, eventLog, setup }: Observed, at: number): View {
  const newestOf = (...kinds: readonly Parameters<EventLog['latest']>[0][]) =>
    kinds
      .flatMap((kind) => eventLog.latest(kind))
      .sort((a, b) => b.at - a.at)
      .slice(0, SHOWN);
  return {
    at,
    setup,
    health: health.snapshot(),
    writes: newestOf('published', 'adopted'),
    troubles: newestOf('rejected', 'expiring', 'rate-limited'),
  };
}

const SHOWN = 5;
