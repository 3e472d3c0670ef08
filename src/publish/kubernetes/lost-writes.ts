import { PublishError, type PublishErrorCode } from '../../errors.ts';
import type { SecretManifest, ServiceManifest } from '../manifests.ts';
import { isOurs } from './adoption.ts';
import type { KubernetesObject } from './api/object.ts';
import { holds } from './drift.ts';
import type { ObjectCache } from './object-cache.ts';

interface LostWrite {
  readonly manifest: SecretManifest | ServiceManifest;
  /** The resourceVersion it was based on; undefined if there was no object. */
  readonly before: string | undefined;
  /** Called once the write turns out to have succeeded. */
  readonly confirm: () => void;
}

/** After these errors the API server may have written the object, or may still write it. */
const UNANSWERED: readonly PublishErrorCode[] = [
  'KUBERNETES_TIMEOUT',
  'KUBERNETES_UNREACHABLE',
  'KUBERNETES_INVALID_RESPONSE',
];

/** Writes without an answer: the object shows later whether they succeeded. */
export class LostWrites {
  readonly #writes = new Map<ObjectCache, LostWrite>();

  /** Remembers a write whose `error` leaves its outcome open. */
  add(cache: ObjectCache, error: unknown, write: LostWrite): void {
    if (error instanceof PublishError && UNANSWERED.includes(error.code)) this.#writes.set(cache, write);
  }

  /** Confirms the lost write, once, if it produced `current`, and returns whether it did. */
  confirm(cache: ObjectCache, current: KubernetesObject): boolean {
    const lost = this.#writes.get(cache);
    if (lost === undefined || current.resourceVersion === lost.before) return false;
    this.#writes.delete(cache);
    // The annotations of a Secret contain the time of the write, so another replica's write does not match.
    if (!isOurs(current) || !holds(current, lost.manifest)) return false;
    lost.confirm();
    return true;
  }
}
