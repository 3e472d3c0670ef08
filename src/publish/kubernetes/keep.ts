import {
  appendHistory,
  readWriteRecord,
  type SecretManifest,
  type ServiceManifest,
  type WriteRecord,
} from '../manifests.ts';
import type { KubernetesObject } from './api/object.ts';
import { assertAdoptable, holdsData } from './drift.ts';

/**
 * The manifest with the occasion that is written there, while the data stay; else with one that follows it.
 *
 * @throws PublishError SECRET_NOT_ADOPTABLE
 */
export function preserveWriteRecord(
  current: KubernetesObject | undefined,
  manifestOf: (occasion: WriteRecord) => SecretManifest,
  occasion: WriteRecord,
): SecretManifest {
  const manifest = manifestOf(occasion);
  if (current === undefined) return manifest;
  assertAdoptable(current, manifest);
  const before = readWriteRecord(current.annotations);
  if (before === undefined) return manifest;
  return manifestOf(holdsData(current, manifest) ? before : appendHistory(before, occasion));
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
