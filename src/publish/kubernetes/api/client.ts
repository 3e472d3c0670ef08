import { type Access, isNamed, OWN_RIGHTS } from './errors.ts';
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
 * The requests this program makes of the API server, over one connection pool. Each throws PublishError, whose
 * remedy names the RBAC rule that is missing.
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

  /** The object, if it exists, and the resourceVersion a watch goes on from, whether it exists or not. */
  async read(
    ref: ObjectRef,
    signal: AbortSignal,
  ): Promise<{ object: KubernetesObject | undefined; resourceVersion: string }> {
    const access: Access = { ...ref, verb: 'list' };
    const query = new URLSearchParams({ fieldSelector: `metadata.name=${ref.name}` });
    const list = decodeList(
      await this.#requests.call({ method: 'GET', path: `${collection(ref)}?${query}`, access }, signal),
    );
    return { object: list.items[0], resourceVersion: list.resourceVersion };
  }

  /** Creates by POST: an apply could overwrite what another daemon created just before. 409: it was first. */
  async create(ref: ObjectRef, manifest: object, signal: AbortSignal): Promise<KubernetesObject> {
    const query = new URLSearchParams({ fieldManager: this.#options.fieldManager });
    return decodeObject(
      await this.#requests.call(
        {
          method: 'POST',
          path: `${collection(ref)}?${query}`,
          access: { ...ref, verb: 'create' },
          contentType: 'application/json',
          body: manifest,
        },
        signal,
      ),
    );
  }

  /** Server-side apply, only onto `resourceVersion`. 409: somebody else wrote since. */
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

  /** JSON merge patch (RFC 7386). With a `resourceVersion` in it only onto that. An apply removes nothing of others. */
  async merge(ref: ObjectRef, change: object, signal: AbortSignal): Promise<KubernetesObject> {
    const query = new URLSearchParams({ fieldManager: this.#options.fieldManager });
    return this.#patch(ref, `?${query}`, 'application/merge-patch+json', change, signal);
  }

  /** The version of the API server, such as `v1.37.2`; undefined where it does not say. */
  async serverVersion(signal: AbortSignal): Promise<string | undefined> {
    const answer = await this.#requests.call({ method: 'GET', path: '/version' }, signal);
    const { gitVersion } = asRecord(answer);
    return typeof gitVersion === 'string' ? gitVersion : undefined;
  }

  /** Whether we may do that, by SelfSubjectAccessReview, which changes nothing. */
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
   * Events from `resourceVersion` on, until the server ends the watch (within five minutes) or `signal` aborts; `onOpen` is
   * called once the server has agreed to it.
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

  async #patch(
    ref: ObjectRef,
    query: string,
    contentType: string,
    body: object,
    signal: AbortSignal,
  ): Promise<KubernetesObject> {
    const path = `${collection(ref)}/${encodeURIComponent(ref.name)}${query}`;
    const access: Access = { ...ref, verb: 'patch' };
    return decodeObject(
      await this.#requests.call({ method: 'PATCH', path, access, contentType, body }, signal),
    );
  }
}

function collection({ namespace, resource }: ObjectRef): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/${resource}`;
}
