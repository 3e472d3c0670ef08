import { isDeepStrictEqual } from 'node:util';
import { PublishError } from '../../errors.ts';
import { isRecord } from '../../lib/record.ts';
import type { Metadata, SecretManifest, ServiceManifest } from '../manifests.ts';
import type { KubernetesObject } from './api/object.ts';

/** What `kubectl apply` leaves: of the old program's Secret, a copy of an old private key. */
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Whether the object already holds all we want there; what others own beside it does not count. */
export function holds(object: KubernetesObject, manifest: SecretManifest | ServiceManifest): boolean {
  return (
    contains(object.labels, manifest.metadata.labels) &&
    contains(object.annotations, manifest.metadata.annotations) &&
    ('data' in manifest
      ? holdsData(object, manifest)
      : contains(object.spec, { ...manifest.spec, clusterIP: object.spec['clusterIP'] }))
  );
}

/** Whether the object already holds the data, whatever its labels and annotations say. */
export function holdsData(object: KubernetesObject, manifest: SecretManifest): boolean {
  return contains(object.data, manifest.data);
}

/**
 * Rejects a Secret that cannot be adopted: its type cannot be changed, nor can anything in it that is immutable.
 *
 * @throws PublishError SECRET_NOT_ADOPTABLE
 */
export function assertAdoptable(
  secret: KubernetesObject,
  { type, metadata }: Pick<SecretManifest, 'type'> & { readonly metadata: Pick<Metadata, 'namespace'> },
): void {
  const { namespace } = metadata;
  const problem = secret.immutable
    ? 'it is immutable'
    : secret.type !== type
      ? `its type is ${secret.type}, not ${type}`
      : undefined;
  if (problem === undefined) return;
  throw new PublishError(
    'SECRET_NOT_ADOPTABLE',
    `the Secret ${namespace}/${secret.name} cannot be adopted: ${problem}`,
    {
      remedy: `if it is not needed: kubectl -n ${namespace} delete secret ${secret.name}; else set _AMBASSADOR_TLS_SECRET_NAME to another name`,
    },
  );
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
