import { type Access, isNamed, OWN_RIGHTS, unusableAnswer } from './errors.ts';
import { asRecord, decodeList, decodeObject, type KubernetesObject } from './object.ts';
import { type Call, Requests, type RequestsOptions, STREAM_SECONDS } from './requests.ts';

/** An object by name. */
export type ObjectRef = Pick<Access, 'resource' | 'namespace' | 'name'>;

export interface WatchEvent {
  readonly type: string;
  readonly object: unknown;
}

export interface ClientOptions extends RequestsOptions {
  readonly fieldManager: string;
}

const REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

/**
 * All requests to the API server, over one connection pool. Each throws PublishError, whose remedy names the missing RBAC rule.
 */
export class KubernetesClient {
  readonly #options: ClientOptions;
  readonly #requests: Requests;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#requests = new Requests(options);
  }

  get server(): string {
    return this.#options.credentials.server;
  }

  /** The object, if it exists, and in any case the resourceVersion from which to watch. */
  async read(
    ref: ObjectRef,
    signal: AbortSignal,
  ): Promise<{ object: KubernetesObject | undefined; resourceVersion: string }> {
    const access: Access = { ...ref, verb: 'list' };
    const query = new URLSearchParams({ fieldSelector: `metadata.name=${ref.name}` });
    const list = decodeList(
      await this.#requests.call({ method: 'GET', path: `${collection(ref)}?${query}`, access }, signal),
    );
    return { object: list.items.find((item) => isAt(item, ref)), resourceVersion: list.resourceVersion };
  }

  /** Creates by POST: an apply could overwrite an object that another replica has just created. 409: another writer was first. */
  async create(ref: ObjectRef, manifest: object, signal: AbortSignal): Promise<KubernetesObject> {
    const query = new URLSearchParams({ fieldManager: this.#options.fieldManager });
    return decodeWritten(ref, await this.#post(ref, query, manifest, signal));
  }

  /** Server-side apply, only over `resourceVersion`. 409: another writer has changed the object since. */
  async apply(
    ref: ObjectRef,
    manifest: { metadata: object },
    resourceVersion: string,
    signal: AbortSignal,
  ): Promise<KubernetesObject> {
    const query = new URLSearchParams({ fieldManager: this.#options.fieldManager, force: 'true' });
    const body = { ...manifest, metadata: { ...manifest.metadata, resourceVersion } };
    return this.#patch(ref, `?${query}`, 'application/apply-patch+yaml', body, signal);
  }

  /** JSON merge patch (RFC 7386), only over a `resourceVersion` in it. An apply does not remove fields of other owners. */
  async merge(ref: ObjectRef, change: object, signal: AbortSignal): Promise<KubernetesObject> {
    const query = new URLSearchParams({ fieldManager: this.#options.fieldManager });
    return this.#patch(ref, `?${query}`, 'application/merge-patch+json', change, signal);
  }

  /** The version of the API server, such as `v1.37.2`; undefined if the answer has none. */
  async serverVersion(signal: AbortSignal): Promise<string | undefined> {
    const answer = await this.#requests.call({ method: 'GET', path: '/version' }, signal);
    const { gitVersion } = asRecord(answer);
    return typeof gitVersion === 'string' ? gitVersion : undefined;
  }

  /** The version of a group of custom resources that the API server prefers, such as `getambassador.io/v3alpha1`. */
  async preferredVersion(group: string, signal: AbortSignal): Promise<string> {
    const question = {
      what: `querying the versions of ${group}`,
      remedy: 'bind the ClusterRole system:discovery to system:authenticated, as Kubernetes does by default',
    };
    const answer = await this.#requests.call({ method: 'GET', path: `/apis/${group}`, question }, signal);
    return String(asRecord(asRecord(answer)['preferredVersion'])['groupVersion']);
  }

  /** The objects of one kind in all namespaces, by its group and version. */
  async list(version: string, plural: string, signal: AbortSignal): Promise<readonly unknown[]> {
    const path = `/apis/${version}/${plural}`;
    const question = { what: `listing ${plural}`, remedy: `grant list on ${plural} in a ClusterRole` };
    const { items } = asRecord(await this.#requests.call({ method: 'GET', path, question }, signal));
    return Array.isArray(items) ? items : [];
  }

  /** Whether we have the permission (on all objects if the name is empty), by SelfSubjectAccessReview, which changes nothing. */
  async may(access: Access, signal: AbortSignal): Promise<boolean> {
    const { verb, resource, namespace, name } = access;
    const named = isNamed(access) ? { name } : {};
    const resourceAttributes = { verb, group: '', resource, namespace, ...named };
    const answer = await this.#requests.call(
      {
        method: 'POST',
        path: REVIEWS,
        question: OWN_RIGHTS,
        contentType: 'application/json',
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SelfSubjectAccessReview',
          spec: { resourceAttributes },
        },
      },
      signal,
    );
    return asRecord(asRecord(answer)['status'])['allowed'] === true;
  }

  /**
   * Creates an object as a dry run, which includes authorization and admission.
   *
   * @throws PublishError if it is refused
   */
  async tryCreate(ref: ObjectRef, manifest: object, signal: AbortSignal): Promise<void> {
    const query = new URLSearchParams({ fieldManager: this.#options.fieldManager, dryRun: 'All' });
    await this.#post(ref, query, manifest, signal);
  }

  /**
   * Events after `resourceVersion`, until the server ends the watch (within five minutes) or `signal` aborts; `onOpen` is called
   * once the server has accepted it.
   */
  async *watch(
    ref: ObjectRef,
    resourceVersion: string,
    onOpen: () => void,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent> {
    const query = new URLSearchParams({
      watch: 'true',
      fieldSelector: `metadata.name=${ref.name}`,
      resourceVersion,
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(STREAM_SECONDS),
    });
    const call: Call = {
      method: 'GET',
      path: `${collection(ref)}?${query}`,
      access: { ...ref, verb: 'watch' },
    };
    for await (const line of this.#requests.stream(call, onOpen, signal)) {
      const event = asRecord(line);
      yield { type: String(event['type']), object: event['object'] };
    }
  }

  async close(): Promise<void> {
    await this.#options.credentials.close();
  }

  #post(ref: ObjectRef, query: URLSearchParams, body: object, signal: AbortSignal): Promise<unknown> {
    const path = `${collection(ref)}?${query}`;
    const access: Access = { ...ref, verb: 'create' };
    return this.#requests.call(
      { method: 'POST', path, access, contentType: 'application/json', body },
      signal,
    );
  }

  async #patch(
    ref: ObjectRef,
    query: string,
    contentType: string,
    body: object,
    signal: AbortSignal,
  ): Promise<KubernetesObject> {
    const path = `${collection(ref)}/${encodeURIComponent(ref.name)}${query}`;
    const access: Access = { ...ref, verb: 'patch' };
    return decodeWritten(
      ref,
      await this.#requests.call({ method: 'PATCH', path, access, contentType, body }, signal),
    );
  }
}

/** Whether the object is the one that `ref` names: a proxy in front of the API server may return another. */
export function isAt({ name, namespace }: KubernetesObject, ref: ObjectRef): boolean {
  return name === ref.name && namespace === ref.namespace;
}

/** @throws PublishError KUBERNETES_INVALID_RESPONSE if it is not the object that was written */
function decodeWritten(ref: ObjectRef, answer: unknown): KubernetesObject {
  const object = decodeObject(answer);
  // The API server generates the names of Events.
  if (ref.resource === 'events' || isAt(object, ref)) return object;
  throw unusableAnswer('the API server answered a different object than the one written');
}

function collection({ namespace, resource }: ObjectRef): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/${resource}`;
}
