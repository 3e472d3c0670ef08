import type { Logger } from 'pino';
import type { Clock } from '../../lib/clock.ts';
import type { Story } from '../../status/event-log.ts';
import { describeObject } from './api/errors.ts';
import { CONTEST_REFILL_MS, type WatchedObject } from './object-cache.ts';

export interface ContestOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly story: Story;
  /** Called when an object that was postponed may be written again. */
  readonly onOver: () => void;
}

const REMEDY =
  'see with kubectl get --show-managed-fields who else writes it; two connectors of one object need the same configuration';

/** Objects that somebody else keeps changing: each is said once, and tried again when its turn comes. */
export class Contest {
  readonly #options: ContestOptions;
  readonly #postponed = new Set<WatchedObject>();

  constructor(options: ContestOptions) {
    this.#options = options;
  }

  postpone(watched: WatchedObject, signal: AbortSignal): void {
    if (this.#postponed.has(watched)) return;
    this.#postponed.add(watched);
    const { clock, logger, story, onOver } = this.#options;
    const object = describeObject(watched.ref);
    const text = `somebody else keeps changing ${object}`;
    story.tell({ kind: 'postponed', at: clock.now(), text, remedy: REMEDY });
    logger.warn(
      { object, retryMs: CONTEST_REFILL_MS, remedy: REMEDY },
      'somebody else keeps changing what is published, it is put right only now and then',
    );
    void clock.sleep(CONTEST_REFILL_MS, signal).then(() => {
      this.#postponed.delete(watched);
      onOver();
    });
  }
}
