import type { Logger } from 'pino';
import { describeError, type IdentityError } from '../errors.ts';
import type { Identity } from '../identity/identity.ts';
import type { Decision } from '../identity/policy/decide.ts';
import { lifetimeLeft } from '../identity/x509/certificate.ts';
import type { Clock } from '../lib/clock.ts';
import type { EventLog } from '../status/event-log.ts';
import { UNREADY_BELOW } from '../status/health.ts';
import type { Metrics } from '../status/metrics.ts';

export interface ReportOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly eventLog: EventLog;
  /** What is written where, beside each line. */
  readonly target: Readonly<Record<string, string>>;
}

const EXPIRING_REMEDY =
  'see why Consul gives no newer leaf: the warnings before this one in the log, or check';

/** Tells the log, the metrics and the story what a reconciliation found; each finding once, not each time it is found. */
export class Report {
  readonly #options: ReportOptions;
  #refused = '';
  #dropped = '';
  #bundleDeferredUntil = 0;
  /** The serial number of the leaf that was last said to be expiring. */
  #expiring = '';

  constructor(options: ReportOptions) {
    this.#options = options;
  }

  wrote({ cause, content, writesLeaf, writesBundle, reason: decided }: Decision): void {
    const { clock, logger, metrics, eventLog, target } = this.#options;
    const reason = cause === undefined ? 'repair: labels or annotations were modified' : decided;
    metrics.wrote('identity', cause ?? 'repair', clock.now());
    eventLog.record({ kind: 'published', at: clock.now(), text: reason });
    logger.info(
      {
        ...target,
        leaf: writesLeaf,
        bundle: writesBundle,
        reason,
        spiffeId: content?.identity.spiffeId.uri,
        serial: content?.identity.leaf.x509.serialNumber.toLowerCase(),
        notAfter: new Date(content?.identity.leaf.notAfter ?? 0).toISOString(),
      },
      'published the identity',
    );
  }

  wroteService(): void {
    const { clock, logger, metrics, target } = this.#options;
    metrics.wrote('service', 'repair', clock.now());
    logger.info({ service: target['service'] }, 'published the TLSContext');
  }

  /** What is wrong with what Consul sent; undefined once nothing is, so that the next refusal is news. */
  refused(error: IdentityError | undefined): void {
    if ((error?.message ?? '') === this.#refused) return;
    this.#refused = error?.message ?? '';
    const { clock, logger, metrics, eventLog, target } = this.#options;
    if (error === undefined) {
      metrics.accepted();
      return;
    }
    const described = describeError(error);
    metrics.rejected(error.code);
    eventLog.record({
      kind: 'rejected',
      at: clock.now(),
      text: described.error,
      code: error.code,
      remedy: described.remedy,
    });
    logger.warn(
      { ...target, ...described },
      'rejected an answer from Consul, the published identity is unchanged',
    );
  }

  /** Which of the roots are left out of the bundle. */
  dropped(dropped: readonly string[]): void {
    const all = dropped.join('; ');
    if (all === this.#dropped) return;
    this.#dropped = all;
    if (all === '') return;
    this.#options.logger.warn(
      { dropped, remedy: 'none is needed for an expired root; else look at GET /v1/agent/connect/ca/roots' },
      'excluded CA roots from the trust bundle',
    );
  }

  /** Until when new roots wait, in milliseconds since the epoch; undefined where none wait. */
  held(until: number | undefined): void {
    if (until === undefined || until === this.#bundleDeferredUntil) return;
    this.#bundleDeferredUntil = until;
    const { logger, target } = this.#options;
    logger.info(
      { ...target, until: new Date(until).toISOString() },
      'deferred the new trust bundle until the new leaf, because the new root is cross-signed',
    );
  }

  /** Where so little is left of the published leaf `at` that time that the daemon is unready. */
  expiring({ leaf }: Identity, at: number): void {
    const { serialNumber } = leaf.x509;
    if (lifetimeLeft(leaf, at) >= UNREADY_BELOW || serialNumber === this.#expiring) return;
    this.#expiring = serialNumber;
    const { logger, eventLog, target } = this.#options;
    const notAfter = new Date(leaf.notAfter).toISOString();
    eventLog.record({
      kind: 'expiring',
      at,
      text: `the published leaf expires at ${notAfter}`,
      remedy: EXPIRING_REMEDY,
    });
    logger.error({ ...target, notAfter, remedy: EXPIRING_REMEDY }, 'the published leaf is about to expire');
  }
}
