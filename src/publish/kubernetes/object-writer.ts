import type { Logger } from 'pino';
import { PublishError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { EventLog } from '../../status/event-log.ts';
import { FIELD_MANAGER, MANAGED_BY, type SecretManifest, type ServiceManifest } from '../manifests.ts';
import type { WriteOutcome } from '../publisher.ts';
import type { KubernetesClient } from './api/client.ts';
import { describeObject } from './api/errors.ts';
import type { KubernetesObject } from './api/object.ts';
import { holds } from './drift.ts';
import type { ObjectCache } from './object-cache.ts';
import { WriteLimiter } from './write-limiter.ts';

export interface ObjectWriterOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly eventLog: EventLog;
  /** Called when an object may be written again that somebody else had kept changing. */
  readonly onOver: () => void;
}

/** Writes an object only where it is not as it should be, only onto what was read, and not for ever against somebody else. */
export class ObjectWriter {
  readonly #options: ObjectWriterOptions;
  readonly #contest: WriteLimiter;

  constructor(options: ObjectWriterOptions) {
    this.#options = options;
    this.#contest = new WriteLimiter(options);
  }

  /** Writes `manifest` where `current`, what the object is, does not hold it. @throws PublishError */
  async ensure(
    watched: ObjectCache,
    current: KubernetesObject | undefined,
    manifest: SecretManifest | ServiceManifest,
    signal: AbortSignal,
  ): Promise<WriteOutcome> {
    if (current !== undefined && holds(current, manifest)) return 'unchanged';
    if (!watched.tryAcquireWrite()) {
      this.#contest.postpone(watched, signal);
      return 'rate-limited';
    }
    const { client } = this.#options;
    return this.refreshOnConflict(watched, current !== undefined, signal, async () => {
      const written =
        current === undefined
          ? await client.create(watched.ref, manifest, signal)
          : await client.apply(watched.ref, manifest, current.resourceVersion, signal);
      // What an admission webhook undoes within the request is no write.
      if (written.resourceVersion === current?.resourceVersion) return 'unchanged';
      watched.accept(written);
      if (current !== undefined && !isOurs(current)) this.#tellTakeOver(watched);
      return 'written';
    });
  }

  /** Runs a write; where somebody else was first, or deleted the object meanwhile, reads again for the next decision. */
  async refreshOnConflict(
    watched: ObjectCache,
    existed: boolean,
    signal: AbortSignal,
    write: () => Promise<WriteOutcome>,
  ): Promise<WriteOutcome> {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof PublishError)) throw error;
      const deleted = existed && error.code === 'KUBERNETES_NOT_FOUND';
      if (error.code !== 'KUBERNETES_CONFLICT' && !deleted) throw error;
      await watched.refresh(signal);
      return 'conflict';
    }
  }

  #tellTakeOver({ ref }: ObjectCache): void {
    const { clock, logger, eventLog } = this.#options;
    const object = describeObject(ref);
    eventLog.record({
      kind: 'adopted',
      at: clock.now(),
      text: `took over ${object}, which somebody else had made`,
    });
    logger.info({ object }, 'adopted an existing object');
  }
}

/** Either is enough: a person may edit the labels, and a restored backup has other managers. */
function isOurs({ labels, managers }: KubernetesObject): boolean {
  return labels[MANAGED_BY] === FIELD_MANAGER || managers.includes(FIELD_MANAGER);
}
