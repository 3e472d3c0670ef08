import { badRequest, conflict, forbidden, notFound } from './errors.ts';
import type { Json, JsonObject } from './json.ts';
import { isObject, objectAt, textOf } from './json.ts';
import type { KubeObject } from './objects.ts';
import { resourceOf } from './objects.ts';
import type { Owned } from './ownership.ts';
import type { ObjectStore } from './store.ts';
import type { Target } from './target.ts';

/** A body may say which object, which version and which incarnation it means; where it does, all must be so. */
export function checkIdentity(
  target: Target,
  body: JsonObject,
  live: Owned | undefined,
  createsWithVersion: boolean,
): void {
  const { resource } = target;
  const metadata = objectAt(body, 'metadata');
  const current = objectAt(live?.object ?? {}, 'metadata');
  const name = metadata['name'] ?? target.name;
  if (name !== target.name) {
    throw badRequest(
      `the name of the object (${textOf(name)}) does not match the name on the URL (${target.name})`,
    );
  }
  const { uid, resourceVersion } = metadata;
  if (uid !== undefined && uid !== '' && uid !== current['uid']) {
    const found = textOf(current['uid']) ?? '';
    const why = `Precondition failed: UID in precondition: ${textOf(uid)}, UID in object meta: ${found}`;
    throw conflict(resource, target.name, why);
  }
  const versioned = resourceVersion !== undefined && resourceVersion !== '';
  const creates = live === undefined && createsWithVersion;
  if (versioned && !creates && resourceVersion !== current['resourceVersion']) {
    throw conflict(resource, target.name);
  }
}

/** The preconditions a DELETE can carry in its body. */
export function checkPreconditions(target: Target, body: Json, live: KubeObject): void {
  const wanted = objectAt(isObject(body) ? body : {}, 'preconditions');
  for (const [label, key] of [['UID', 'uid'] as const, ['ResourceVersion', 'resourceVersion'] as const]) {
    if (wanted[key] !== undefined && wanted[key] !== live.metadata[key]) {
      const why = `Precondition failed: ${label} in precondition: ${textOf(wanted[key])}, ${label} in object meta: ${live.metadata[key]}`;
      throw conflict(target.resource, target.name, why);
    }
  }
}

/** @throws ApiError 404 or 403 when nothing new may be created there */
export function requireNamespace(
  store: ObjectStore,
  { resource, namespace, name }: Omit<Target, 'verb'>,
): void {
  if (!resource.namespaced) {
    return;
  }
  const namespaces = resourceOf('Namespace');
  const found = store.read({ resource: namespaces, namespace: '', name: namespace });
  if (found === undefined) {
    throw notFound(namespaces, namespace);
  }
  if (found.status?.['phase'] === 'Terminating') {
    const message = `namespace ${namespace} is being terminated`;
    throw forbidden(
      resource,
      name,
      `unable to create new content in namespace ${namespace} because it is being terminated`,
      [{ reason: 'NamespaceTerminating', message, field: 'metadata.namespace' }],
    );
  }
}
