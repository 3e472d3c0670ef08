import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../../lib/record.ts';
import { FIELD_MANAGER, isReserved, TLS_CONTEXT_ANNOTATION } from '../annotations.ts';
import type { SecretManifest, ServiceManifest } from '../manifests.ts';
import type { KubernetesObject } from './api/object.ts';

/** Whether the object already has everything in the manifest; additional fields of other owners are ignored. */
export function holds(object: KubernetesObject, manifest: SecretManifest | ServiceManifest): boolean {
  return (
    holdsMetadata(object, manifest) &&
    isEmpty(staleMetadata(object, manifest)) &&
    ('data' in manifest
      ? holdsData(object, manifest)
      : contains(object.spec, { ...manifest.spec, clusterIP: object.spec['clusterIP'] }))
  );
}

/** Whether the object already has our labels and annotations. */
export function holdsMetadata(
  object: KubernetesObject,
  { metadata }: Pick<SecretManifest | ServiceManifest, 'metadata'>,
): boolean {
  return contains(object.labels, metadata.labels) && contains(object.annotations, metadata.annotations);
}

/** Whether the object already has the data, regardless of its labels and annotations. */
export function holdsData(object: KubernetesObject, manifest: SecretManifest): boolean {
  return contains(object.data, manifest.data);
}

/** The parts used by the gateway that the object lacks: keys of the data, or the annotation. */
export function missingEssentials(
  object: KubernetesObject,
  manifest: SecretManifest | ServiceManifest,
): readonly string[] {
  if ('data' in manifest)
    return Object.entries(manifest.data).flatMap(([key, value]) => (object.data[key] === value ? [] : [key]));
  const wanted = manifest.metadata.annotations[TLS_CONTEXT_ANNOTATION];
  return object.annotations[TLS_CONTEXT_ANNOTATION] === wanted ? [] : [TLS_CONTEXT_ANNOTATION];
}

/** Keys that only the connector owns and that are no longer wanted. */
export interface StaleMetadata {
  readonly labels: readonly string[];
  readonly annotations: readonly string[];
}

/** Labels and annotations that are no longer configured. Reserved ones are kept: another version of the connector may use them. */
export function staleMetadata(
  object: KubernetesObject,
  { metadata }: Pick<SecretManifest | ServiceManifest, 'metadata'>,
): StaleMetadata {
  const annotations = unwanted(object.annotations, object.annotationOwners, metadata.annotations);
  return {
    labels: unwanted(object.labels, object.labelOwners, metadata.labels),
    annotations: annotations.filter((annotation) => !isReserved(annotation)),
  };
}

export function isEmpty({ labels, annotations }: StaleMetadata): boolean {
  return labels.length === 0 && annotations.length === 0;
}

function unwanted(
  found: Readonly<Record<string, string>>,
  owners: Readonly<Record<string, readonly string[]>>,
  wanted: Readonly<Record<string, string>>,
): string[] {
  return Object.keys(found).filter((key) => {
    const of = owners[key] ?? [];
    const isOursAlone = of.length > 0 && of.every((owner) => owner === FIELD_MANAGER);
    return isOursAlone && !(key in wanted);
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
 * Whether every field of `wanted` is in `actual`. The API server adds fields, such as nodePort, and other writers may add list
 * items, such as a port, which our apply does not own and so cannot remove.
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
