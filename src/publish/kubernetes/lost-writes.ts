import { PublishError, type PublishErrorCode } from '../../errors.ts';
import type { SecretManifest, ServiceManifest } from '../manifests.ts';
import { isOurs } from './adoption.ts';
import type { KubernetesObject } from './api/object.ts';
import { holds } from './drift.ts';
import type { ObjectCache } from './object-cache.ts';

interface LostWrite {
  readonly manifest: SecretManifest | ServiceManifest;
  /** The resourceVersion it was written onto; undefined where there was no object. */
  readonly before: string | undefined;
  /** To be called once it is seen to have been carried out. */
  readonly confirm: () => void;
}

/** After these the API server may have written, or may still write. */
const UNANSWERED: readonly PublishErrorCode[] = [
  'KUBERNETES_TIMEOUT',
  'KUBERNETES_UNREACHABLE',
  'KUBERNETES_INVALID_RESPONSE',
];

/** Writes whose answer did not come: whether they were carried out is seen of the object later. */
export class LostWrites {
  readonly #writes = new Map<ObjectCache, LostWrite>();

  /** Remembers the write that ended in `error`, where that leaves open what became of it. */
  add(cache: ObjectCache, error: unknown, write: LostWrite): void {
    if (error instanceof PublishError && UNANSWERED.includes(error.code)) this.#writes.set(cache, write);
  }

  /** Confirms the lost write, once, and says so, where it made `current` what it is. */
  confirm(cache: ObjectCache, current: KubernetesObject): boolean {
    const lost = this.#writes.get(cache);
    if (lost === undefined || current.resourceVersion === lost.before) return false;
    this.#writes.delete(cache);
    // The annotations of a Secret say when it was written, so that another replica's write is no match.
    if (!isOurs(current) || !holds(current, lost.manifest)) return false;
    lost.confirm();
    return true;
  }
}
