import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../../lib/record.ts';
import {
  FIELD_MANAGER,
  type SecretManifest,
  type ServiceManifest,
  TLS_CONTEXT_ANNOTATION,
} from '../manifests.ts';
import type { KubernetesObject } from './api/object.ts';

/** What `kubectl apply` leaves: of the old program's Secret, a copy of an old private key. */
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Whether the object already holds all we want there; what others own beside it does not count. */
export function holds(object: KubernetesObject, manifest: SecretManifest | ServiceManifest): boolean {
  return (
    holdsMetadata(object, manifest) &&
    staleLabels(object, manifest).length === 0 &&
    ('data' in manifest
      ? holdsData(object, manifest)
      : contains(object.spec, { ...manifest.spec, clusterIP: object.spec['clusterIP'] }))
  );
}

/** Whether the object already holds our labels and annotations. */
export function holdsMetadata(
  object: KubernetesObject,
  { metadata }: Pick<SecretManifest | ServiceManifest, 'metadata'>,
): boolean {
  return contains(object.labels, metadata.labels) && contains(object.annotations, metadata.annotations);
}

/** Whether the object already holds the data, whatever its labels and annotations say. */
export function holdsData(object: KubernetesObject, manifest: SecretManifest): boolean {
  return contains(object.data, manifest.data);
}

/** What the gateway makes use of and the object does not hold: keys of the data, or the annotation. */
export function missingEssentials(
  object: KubernetesObject,
  manifest: SecretManifest | ServiceManifest,
): readonly string[] {
  if ('data' in manifest)
    return Object.entries(manifest.data).flatMap(([key, value]) => (object.data[key] === value ? [] : [key]));
  const wanted = manifest.metadata.annotations[TLS_CONTEXT_ANNOTATION];
  return object.annotations[TLS_CONTEXT_ANNOTATION] === wanted ? [] : [TLS_CONTEXT_ANNOTATION];
}

/** The labels that nobody but us ever set there, and that are no longer wanted. */
export function staleLabels(
  { labels, labelOwners }: KubernetesObject,
  { metadata }: Pick<SecretManifest | ServiceManifest, 'metadata'>,
): readonly string[] {
  return Object.keys(labels).filter((label) => {
    const owners = labelOwners[label] ?? [];
    const isOursAlone = owners.length > 0 && owners.every((owner) => owner === FIELD_MANAGER);
    return isOursAlone && !(label in metadata.labels);
  });
}

/** clusterIP cannot be changed, so a Service that was not made headless stays so. */
export function keepClusterIp(
  manifest: ServiceManifest,
  current: KubernetesObject | undefined,
): ServiceManifest {
  if (current === undefined || current.spec['clusterIP'] === 'None') return manifest;
  const { clusterIP: _, ...spec } = manifest.spec;
  return { ...manifest, spec };
}

/**
 * Whether every field of `wanted` is in `actual`. The API server adds fields of its own, such as nodePort, and others may add
 * items to a list, such as a port, which our apply does not own and so cannot remove.
 */
function contains(actual: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    return Array.isArray(actual) && wanted.every((item) => actual.some((other) => contains(other, item)));
  }
  if (isRecord(wanted)) {
    return isRecord(actual) && Object.entries(wanted).every(([key, value]) => contains(actual[key], value));
  }
  return isDeepStrictEqual(actual, wanted);
}
