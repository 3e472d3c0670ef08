import { PublishError } from '../../errors.ts';
import type { SecretManifest, ServiceManifest } from '../manifests.ts';
import type { PublishObserver, WriteOutcome } from '../publisher.ts';
import { isOurs } from './adoption.ts';
import type { KubernetesClient } from './api/client.ts';
import { describeObject } from './api/errors.ts';
import type { KubernetesObject } from './api/object.ts';
import { holds, holdsMetadata, isEmpty, missingEssentials, staleMetadata } from './drift.ts';
import { LostWrites } from './lost-writes.ts';
import type { ObjectCache } from './object-cache.ts';
import type { Urgency } from './urgency.ts';
import type { WriteLimiter } from './write-limiter.ts';

export interface ObjectWriterOptions {
  readonly client: KubernetesClient;
  readonly limiter: WriteLimiter;
  readonly observer: PublishObserver;
}

/** The wanted state of an object. */
export interface ObjectWrite {
  readonly manifest: SecretManifest | ServiceManifest;
  readonly urgency: Urgency;
  /** Called once a write whose answer was lost turns out to have succeeded. */
  readonly onConfirmed: () => void;
}

const UNPROCESSABLE = 422;

/** Writes an object only if it differs from its manifest, and only over the version that was read. */
export class ObjectWriter {
  readonly #options: ObjectWriterOptions;
  readonly #lost = new LostWrites();
  /** Versions that differ in parts which a further write would not change either; nothing that the gateway uses is missing. */
  readonly #settled = new Map<ObjectCache, string>();

  constructor(options: ObjectWriterOptions) {
    this.#options = options;
  }

  /**
   * Writes the manifest unless `current`, the existing object, already has it.
   *
   * @throws PublishError; KUBERNETES_WRITE_UNDONE if the answer lacks what was written
   */
  async ensure(
    cache: ObjectCache,
    current: KubernetesObject | undefined,
    write: ObjectWrite,
    signal: AbortSignal,
  ): Promise<WriteOutcome> {
    const { limiter } = this.#options;
    if (current !== undefined && this.#lost.confirm(cache, current)) cache.accept(current);
    if (current !== undefined && this.#isSettled(cache, current, write.manifest)) return 'unchanged';
    if (!limiter.tryAcquireWrite(cache, write.urgency, signal)) return 'rate-limited';
    return this.refreshOnConflict(cache, current !== undefined, signal, () =>
      this.#write(cache, current, write, signal),
    );
  }

  /** Runs a write. If another writer was first or deleted the object, reads it again for the next decision. */
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

  #isSettled(
    cache: ObjectCache,
    current: KubernetesObject,
    manifest: SecretManifest | ServiceManifest,
  ): boolean {
    if (holds(current, manifest)) return true;
    const isKnown = this.#settled.get(cache) === current.resourceVersion;
    return isKnown && missingEssentials(current, manifest).length === 0;
  }

  async #write(
    cache: ObjectCache,
    current: KubernetesObject | undefined,
    { manifest, onConfirmed }: ObjectWrite,
    signal: AbortSignal,
  ): Promise<WriteOutcome> {
    const before = current?.resourceVersion;
    let written: KubernetesObject;
    try {
      written = await this.#send(cache, current, manifest, signal);
    } catch (error) {
      this.#lost.add(cache, error, { manifest, before, confirm: onConfirmed });
      throw error;
    }
    // Includes the changes of webhooks.
    if (written.resourceVersion !== before) cache.accept(written);
    const missing = missingEssentials(written, manifest);
    if (missing.length > 0) throw errorOfUndoneWrite(cache, missing);
    if (!holds(written, manifest)) this.#settled.set(cache, written.resourceVersion);
    if (written.resourceVersion === before) return 'unchanged';
    if (current !== undefined && !isOurs(current)) this.#options.observer.adopted(describeObject(cache.ref));
    return 'written';
  }

  async #send(
    cache: ObjectCache,
    current: KubernetesObject | undefined,
    manifest: SecretManifest | ServiceManifest,
    signal: AbortSignal,
  ): Promise<KubernetesObject> {
    const { client } = this.#options;
    const { ref } = cache;
    if (current === undefined) return client.create(ref, manifest, signal);
    const written = await this.#applyOrAnnotate(cache, current, manifest, signal);
    const stale = staleMetadata(written, manifest);
    if (isEmpty(stale)) return written;
    // An apply does not remove those that were set by the creating POST.
    const [labels, annotations] = [stale.labels, stale.annotations].map((keys) =>
      Object.fromEntries(keys.map((key) => [key, null])),
    );
    const { resourceVersion } = written;
    return client.merge(ref, { metadata: { resourceVersion, labels, annotations } }, signal);
  }

  /** If our ports conflict with those of other writers in a Service, still writes the annotation that the gateway reads. */
  async #applyOrAnnotate(
    cache: ObjectCache,
    current: KubernetesObject,
    manifest: SecretManifest | ServiceManifest,
    signal: AbortSignal,
  ): Promise<KubernetesObject> {
    const { client, observer } = this.#options;
    const { ref } = cache;
    try {
      return await client.apply(ref, manifest, current.resourceVersion, signal);
    } catch (error) {
      const isInvalid = error instanceof PublishError && error.status === UNPROCESSABLE;
      if (!isInvalid || !('spec' in manifest)) throw error;
      observer.portsRejected(ref, error);
      if (holdsMetadata(current, manifest)) return current;
      const { labels, annotations } = manifest.metadata;
      const { resourceVersion } = current;
      return client.merge(ref, { metadata: { resourceVersion, labels, annotations } }, signal);
    }
  }
}

function errorOfUndoneWrite({ ref }: ObjectCache, missing: readonly string[]): PublishError {
  return new PublishError(
    'KUBERNETES_WRITE_UNDONE',
    `${describeObject(ref)} was written, but the answer lacks what was written: ${missing.join(', ')}`,
    {
      remedy:
        'an admission webhook changes it within the request: find it with kubectl get mutatingwebhookconfigurations, and exempt this object',
    },
  );
}
