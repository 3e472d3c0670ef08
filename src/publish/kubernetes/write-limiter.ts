import type { Logger } from 'pino';
import type { Clock } from '../../lib/clock.ts';
import type { EventLog } from '../../status/event-log.ts';
import { describeObject } from './api/errors.ts';
import { CONTEST_REFILL_MS, type ObjectCache } from './object-cache.ts';

export interface WriteLimiterOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly eventLog: EventLog;
  /** Called when an object that was postponed may be written again. */
  readonly onOver: () => void;
}

const REMEDY =
  'see with kubectl get --show-managed-fields who else writes it; two connectors of one object need the same configuration';

/** Objects that somebody else keeps changing: each is said once, and tried again when its turn comes. */
export class WriteLimiter {
  readonly #options: WriteLimiterOptions;
  readonly #postponed = new Set<ObjectCache>();

  constructor(options: WriteLimiterOptions) {
    this.#options = options;
  }

  postpone(watched: ObjectCache, signal: AbortSignal): void {
    if (this.#postponed.has(watched)) return;
    this.#postponed.add(watched);
    const { clock, logger, eventLog, onOver } = this.#options;
    const object = describeObject(watched.ref);
    const text = `somebody else keeps changing ${object}`;
    eventLog.record({ kind: 'rate-limited', at: clock.now(), text, remedy: REMEDY });
    logger.warn(
      { object, retryMs: CONTEST_REFILL_MS, remedy: REMEDY },
      'another writer keeps modifying the object, repairs are rate-limited',
    );
    void clock.sleep(CONTEST_REFILL_MS, signal).then(() => {
      this.#postponed.delete(watched);
      onOver();
    });
  }
}
