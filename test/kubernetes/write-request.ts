import { decodable } from './admission.ts';
import { badRequest } from './errors.ts';
import type { Json, JsonObject } from './json.ts';
import { isObject, objectAt, textOf } from './json.ts';
import { groupVersion } from './objects.ts';
import type { Target } from './target.ts';

export const APPLY = 'application/apply-patch+yaml';

/** One write request, its body decoded. `manager` is the fieldManager, or what the server makes of the User-Agent. */
export interface WriteRequest {
  target: Target;
  body: Json;
  query: URLSearchParams;
  contentType: string;
  manager: string;
}

/** Typed clients leave kind and apiVersion out: the address says them. Only an apply must name both. */
export function bodyOf({ body: given, target, contentType }: WriteRequest): JsonObject {
  const { resource, namespace } = target;
  if (!isObject(given)) {
    throw badRequest(`the body of a ${resource.kind} is not an object`);
  }
  const implied = { kind: resource.kind, apiVersion: groupVersion(resource) };
  const body = contentType === APPLY ? given : { ...implied, ...given };
  const kind = textOf(body['kind']) ?? '';
  const apiVersion = textOf(body['apiVersion']) ?? '';
  if (kind === '' || apiVersion === '') {
    throw badRequest(`Object 'Kind' or 'apiVersion' is missing in the body of a ${resource.kind}`);
  }
  if (kind !== implied.kind || apiVersion !== implied.apiVersion) {
    const why = `no kind "${kind}" is registered for version "${apiVersion}"`;
    throw badRequest(`${kind} in version "${apiVersion}" cannot be handled as a ${resource.kind}: ${why}`);
  }
  const inside = objectAt(body, 'metadata')['namespace'] ?? namespace;
  if (inside !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  decodable(resource.kind, body);
  return body;
}
