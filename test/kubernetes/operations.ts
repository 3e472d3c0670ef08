import { randomBytes } from 'node:crypto';
import type { Access } from './access.ts';
import { decodable, validate, withDefaults } from './admission.ts';
import { ApiError, alreadyExists, badRequest, forbidden, invalid, notFound } from './errors.ts';
import type { JsonObject } from './json.ts';
import { isObject, objectAt, textOf, withoutNulls } from './json.ts';
import { groupVersion } from './objects.ts';
import type { Owned } from './ownership.ts';
import { applied, updated } from './ownership.ts';
import { jsonPatched, mergePatched } from './patches.ts';
import { checkIdentity, checkPreconditions, requireNamespace } from './preconditions.ts';
import type { ObjectStore } from './store.ts';
import type { Target } from './target.ts';
import { selects } from './target.ts';
import type { WriteRequest } from './write-request.ts';
import { APPLY, bodyOf } from './write-request.ts';

export interface Answer {
  code: number;
  body: JsonObject;
  /** True when an object is not what it was before. */
  changed: boolean;
}

export interface OperationOptions {
  /**
   * What becomes of an apply that names a `resourceVersion` for an object that is not there. Kubernetes 1.20 creates it
   * (seen on the real one), newer servers answer 409.
   */
  applyToMissingVersion: 'create' | 'conflict';
}

/** The verbs on objects: the order of checks, and who may overwrite whom, as in the generic registry of the real server. */
export class Operations {
  readonly #store: ObjectStore;
  readonly #access: Access;
  readonly #options: OperationOptions;

  constructor(store: ObjectStore, access: Access, options: OperationOptions) {
    this.#store = store;
    this.#access = access;
    this.#options = options;
  }

  get(target: Target): JsonObject {
    const object = this.#store.read(target);
    if (object === undefined) {
      throw notFound(target.resource, target.name);
    }
    return { ...object, apiVersion: groupVersion(target.resource) };
  }

  list(target: Target, query: URLSearchParams): JsonObject {
    const { resource } = target;
    return {
      kind: `${resource.kind}List`,
      apiVersion: groupVersion(resource),
      metadata: { resourceVersion: String(this.#store.version) },
      items: this.#store
        .list(resource.plural, target.namespace)
        .filter(selects(query, target))
        .map(({ kind: _kind, apiVersion: _apiVersion, ...item }) => item), // a real list leaves both out of its items
    };
  }

  write(request: WriteRequest): Answer {
    switch (request.target.verb) {
      case 'create':
        return this.#create(request);
      case 'update':
        return this.#replace(request);
      case 'patch':
        return request.contentType === APPLY ? this.#apply(request) : this.#patch(request);
      case 'delete':
        return this.#delete(request);
      default:
        throw badRequest(`no write: ${request.target.verb}`);
    }
  }

  #create(request: WriteRequest): Answer {
    const { target, manager } = request;
    const body = bodyOf(request);
    const metadata = objectAt(body, 'metadata');
    const prefix = textOf(metadata['generateName']);
    const generated =
      prefix === undefined ? undefined : `${prefix}${randomBytes(3).toString('hex').slice(0, 5)}`;
    const key = { ...target, name: textOf(metadata['name']) ?? generated ?? '' };
    if (key.name === '') {
      const message = 'Required value: name or generateName is required';
      throw invalid(target.resource.kind, '', [
        { field: 'metadata.name', reason: 'FieldValueRequired', message },
      ]);
    }
    if (metadata['resourceVersion'] !== undefined && metadata['resourceVersion'] !== '') {
      throw new ApiError(500, '', 'resourceVersion should not be set on objects to be created');
    }
    requireNamespace(this.#store, key);
    const place = key.namespace === '' ? {} : { namespace: key.namespace };
    const named = { ...body, metadata: { ...metadata, ...place, name: key.name } };
    const next = updated(undefined, withDefaults(target.resource.kind, named), manager);
    validate(target.resource.kind, next.object);
    if (this.#store.read(key) !== undefined) {
      throw alreadyExists(target.resource, key.name);
    }
    return this.#keep(request, key, next);
  }

  #replace(request: WriteRequest): Answer {
    const live = this.#live(request.target);
    return this.#update(request, live, bodyOf(request));
  }

  #patch(request: WriteRequest): Answer {
    const live = this.#live(request.target);
    const merging = ['application/merge-patch+json', 'application/strategic-merge-patch+json'];
    if (merging.includes(request.contentType)) {
      const next = mergePatched(live.object, request.body);
      return this.#update(request, live, isObject(next) ? next : {});
    }
    if (request.contentType === 'application/json-patch+json') {
      return this.#update(request, live, jsonPatched(live.object, request.body));
    }
    const supported =
      'application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml';
    throw new ApiError(
      415,
      'UnsupportedMediaType',
      `the body of the request was in an unknown format - accepted media types include: ${supported}`,
    );
  }

  #update(request: WriteRequest, live: Owned, body: JsonObject): Answer {
    const { kind } = request.target.resource;
    checkIdentity(request.target, body, live, false);
    decodable(kind, body);
    const next = updated(live, withDefaults(kind, withoutNulls(body), live.object), request.manager);
    validate(kind, next.object, live.object);
    return this.#keep(request, request.target, next);
  }

  #apply(request: WriteRequest): Answer {
    const { target, query } = request;
    const { kind } = target.resource;
    const manager = query.get('fieldManager') ?? '';
    if (manager === '') {
      throw invalid('PatchOptions.meta.k8s.io', '', [
        {
          field: 'fieldManager',
          reason: 'FieldValueRequired',
          message: 'Required value: is required for apply patch',
        },
      ]);
    }
    const config = withoutNulls(bodyOf(request));
    if (objectAt(config, 'metadata')['managedFields'] !== undefined) {
      throw badRequest('metadata.managedFields must be nil');
    }
    const live = this.#store.owned(target);
    const { stringData, ...rest } = config;
    const given = stringData === undefined ? config : { ...rest, data: withDefaults(kind, config)['data'] };
    const next = applied(live, given, manager, query.get('force') === 'true');
    const creates = this.#options.applyToMissingVersion === 'create';
    checkIdentity(target, config, live, creates); // after the conflicts over fields, as in the real server
    const full = { ...next, object: withDefaults(kind, next.object, live?.object) };
    validate(kind, full.object, live?.object);
    if (live === undefined) {
      this.#requireCreate(target);
    }
    return this.#keep(request, target, full);
  }

  #delete(request: WriteRequest): Answer {
    const { target, query } = request;
    const live = this.#store.read(target);
    if (live === undefined) {
      throw notFound(target.resource, target.name);
    }
    checkPreconditions(target, request.body, live);
    const changed = !query.has('dryRun');
    if (changed) {
      this.#store.delete(target);
    }
    const details = { name: target.name, kind: target.resource.plural, uid: live.metadata.uid };
    return {
      code: 200,
      body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details },
      changed,
    };
  }

  #live(target: Target): Owned {
    const live = this.#store.owned(target);
    if (live === undefined) {
      throw notFound(target.resource, target.name);
    }
    return live;
  }

  /** Creating by apply needs the right to create too. The real server gives no reason here, nor does this one. */
  #requireCreate(target: Target): void {
    const { resource, namespace, name } = target;
    const asked = { verb: 'create', group: resource.group, resource: resource.plural, namespace, name };
    if (!this.#access.may(asked)) {
      throw forbidden(resource, name, '');
    }
    requireNamespace(this.#store, target);
  }

  #keep(request: WriteRequest, key: Omit<Target, 'verb'>, next: Owned): Answer {
    const code = this.#store.owned(key) === undefined ? 201 : 200;
    const dry = request.query.has('dryRun');
    const { object, changed } = dry ? this.#store.preview(key, next) : this.#store.save(key, next);
    const body = { ...object, apiVersion: groupVersion(key.resource) };
    return { code, body, changed: changed && !dry };
  }
}
