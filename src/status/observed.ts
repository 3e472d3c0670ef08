import type { Story } from './event-log.ts';
import type { Health } from './health.ts';
import type { Metrics } from './metrics.ts';
import type { Setup, View } from './page/view.ts';

/** What the status port tells of. */
export interface Observed {
  readonly health: Health;
  readonly metrics: Metrics;
  readonly story: Story;
  readonly setup: Setup;
}

/** What the page shows at `at`, in milliseconds since the epoch. */
export function viewOf({ health, story, setup }: Observed, at: number): View {
  const newestOf = (...kinds: readonly Parameters<Story['last']>[0][]) =>
    kinds
      .flatMap((kind) => story.last(kind))
      .sort((a, b) => b.at - a.at)
      .slice(0, SHOWN);
  return {
    at,
    setup,
    health: health.snapshot(),
    writes: newestOf('published', 'taken-over'),
    troubles: newestOf('refused', 'expiring', 'postponed'),
  };
}

const SHOWN = 5;
