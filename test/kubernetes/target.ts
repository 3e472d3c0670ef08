import type { Attributes, Verb } from './access.ts';
import type { JsonObject } from './json.ts';
import { objectAt, textOf } from './json.ts';
import type { Resource } from './objects.ts';
import { RESOURCES } from './objects.ts';

/** What the address of a request stands for: objects of one resource, in one namespace or in all, or one of them. */
export interface Target {
  verb: Verb;
  resource: Resource;
  namespace: string;
  name: string;
}

const OBJECTS = /^\/(?:api\/(v1)|apis\/([^/]+)\/([^/]+))(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?$/;
const NAMESPACES = /^\/api\/v1\/namespaces(?:\/([^/]+))?$/;
const VERBS: Record<string, Verb> = {
  GET: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

function decoded(text: string | undefined): string {
  try {
    return decodeURIComponent(text ?? '');
  } catch {
    return text ?? '';
  }
}

function place(path: string): Omit<Target, 'verb'> | undefined {
  const own = NAMESPACES.exec(path);
  const [, core, group, version, namespace, plural, name] = OBJECTS.exec(path) ?? [];
  const wanted = own
    ? { group: '', version: 'v1', plural: 'namespaces' }
    : { group: group ?? '', version: core ?? version, plural };
  const resource = RESOURCES.find(
    (entry) =>
      entry.group === wanted.group && entry.version === wanted.version && entry.plural === wanted.plural,
  );
  if (resource === undefined) {
    return undefined;
  }
  return own
    ? { resource, namespace: '', name: decoded(own[1]) }
    : { resource, namespace: decoded(namespace), name: decoded(name) };
}

/** The name in `fieldSelector=metadata.name=x`: RBAC's `resourceNames` count for it as for an address with that name. */
export function selectedName(query: URLSearchParams): string {
  return /(?:^|,)metadata\.name==?([^,]+)/.exec(query.get('fieldSelector') ?? '')?.[1] ?? '';
}

/** Undefined when the address names no object that this server has. */
export function targetOf(method: string, path: string, query: URLSearchParams): Target | undefined {
  const found = place(path);
  const verb = VERBS[method];
  if (found === undefined || verb === undefined) {
    return undefined;
  }
  if (verb === 'get' && found.name === '') {
    const watching = ['true', '1'].includes(query.get('watch') ?? '');
    return { ...found, verb: watching ? 'watch' : 'list' };
  }
  return { ...found, verb };
}

export function attributesOf(target: Target, query: URLSearchParams): Attributes {
  const { verb, resource, namespace, name } = target;
  return {
    verb,
    group: resource.group,
    resource: resource.plural,
    namespace,
    name: verb === 'list' || verb === 'watch' ? selectedName(query) : name,
  };
}

/** Which objects a list or a watch shows. Labels are compared for equality only. */
export function selects(query: URLSearchParams, target: Target): (object: JsonObject) => boolean {
  const name = selectedName(query);
  const labels = (query.get('labelSelector') ?? '')
    .split(',')
    .filter((part) => part.includes('='))
    .map((part) => part.split(/==?/));
  return (object) => {
    const metadata = objectAt(object, 'metadata');
    const found = objectAt(metadata, 'labels');
    return (
      (target.namespace === '' || metadata['namespace'] === target.namespace) &&
      (name === '' || metadata['name'] === name) &&
      labels.every(([key, value]) => textOf(found[key ?? '']) === value)
    );
  };
}
