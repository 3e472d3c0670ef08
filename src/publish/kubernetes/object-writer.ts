import { PublishError } from '../../errors.ts';
import { FIELD_MANAGER, MANAGED_BY, type SecretManifest, type ServiceManifest } from '../manifests.ts';
import type { PublishObserver, WriteOutcome } from '../publisher.ts';
import type { KubernetesClient } from './api/client.ts';
import { describeObject } from './api/errors.ts';
import type { KubernetesObject } from './api/object.ts';
import { holds } from './drift.ts';
import type { ObjectCache } from './object-cache.ts';
import type { WriteLimiter } from './write-limiter.ts';

export interface ObjectWriterOptions {
  readonly client: KubernetesClient;
  readonly limiter: WriteLimiter;
  readonly observer: PublishObserver;
}

/** Writes an object only where it differs from its manifest, and only onto the version that was read. */
export class ObjectWriter {
  readonly #options: ObjectWriterOptions;

  constructor(options: ObjectWriterOptions) {
    this.#options = options;
  }

  /** Writes `manifest` unless `current`, the object as it is, holds it already. @throws PublishError */
  async ensure(
    cache: ObjectCache,
    current: KubernetesObject | undefined,
    manifest: SecretManifest | ServiceManifest,
    signal: AbortSignal,
  ): Promise<WriteOutcome> {
    if (current !== undefined && holds(current, manifest)) return 'unchanged';
    const { client, limiter, observer } = this.#options;
    if (!limiter.tryAcquireWrite(cache, signal)) return 'rate-limited';
    return this.refreshOnConflict(cache, current !== undefined, signal, async () => {
      const written =
        current === undefined
          ? await client.create(cache.ref, manifest, signal)
          : await client.apply(cache.ref, manifest, current.resourceVersion, signal);
      // What an admission webhook undoes within the request is no write.
      if (written.resourceVersion === current?.resourceVersion) return 'unchanged';
      cache.accept(written);
      if (current !== undefined && !isOurs(current)) observer.adopted(describeObject(cache.ref));
      return 'written';
    });
  }

  /** Runs a write; where another writer was first, or deleted the object, reads it again for the next decision. */
  async refreshOnConflict(
    cache: ObjectCache,
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
      await cache.refresh(signal);
      return 'conflict';
    }
  }
}

/** Either is enough: a person may edit the labels, and a restored backup has other managers. */
function isOurs({ labels, managers }: KubernetesObject): boolean {
  return labels[MANAGED_BY] === FIELD_MANAGER || managers.includes(FIELD_MANAGER);
}
