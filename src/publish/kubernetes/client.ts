import { type Dispatcher, request } from 'undici';
import { type Clock, withDeadline } from '../../clock.ts';
import { PublishError } from '../../errors.ts';
import { isRecord } from '../../record.ts';
import type { Credentials } from './credentials.ts';
import { asRecord, decodeList, decodeObject, type KubernetesObject } from './object.ts';
import {
  type Access,
  errorOfFailure,
  errorOfTransport,
  isNamed,
  OWN_RIGHTS,
  type Question,
} from './remedies.ts';
import { readLines } from './watch-stream.ts';

/** An object by name. */
export type ObjectRef = Pick<Access, 'resource' | 'namespace' | 'name'>;

export interface WatchEvent {
  readonly type: string;
  readonly object: unknown;
}

export interface ClientOptions {
  readonly credentials: Credentials;
  readonly clock: Clock;
  readonly fieldManager: string;
  /** Called once a request, with `ok` or the code of the error. */
  readonly onRequest: (verb: string, resource: string, outcome: string) => void;
  /** Milliseconds for a whole answer, watches left out. */
  readonly deadlineMs?: number;
}

const DEFAULT_DEADLINE_MS = 15_000;
const REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const WATCH_SECONDS = 290;
const LARGEST_ANSWER_BYTES = 8 * 1024 * 1024;

interface Call {
  readonly method: Dispatcher.HttpMethod;
  readonly path: string;
  readonly access?: Access;
  /** Where there is no `access`; API discovery unless it says otherwise. */
  readonly question?: Question;
  readonly contentType?: string;
  readonly body?: unknown;
}

/**
 * The requests this program makes of the API server, over one connection pool. Each throws PublishError, whose
 * remedy names the RBAC rule that is missing.
 */
export class KubernetesClient {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
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
      await this.#call({ method: 'GET', path: `${collection(ref)}?${query}`, access }, signal),
    );
    return { object: list.items[0], resourceVersion: list.resourceVersion };
  }

  /** Creates by POST: an apply could overwrite what another daemon created just before. 409: it was first. */
  async create(ref: ObjectRef, manifest: object, signal: AbortSignal): Promise<KubernetesObject> {
    const query = new URLSearchParams({ fieldManager: this.#options.fieldManager });
    return decodeObject(
      await this.#call(
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

  /** The versions of an API group the cluster serves; none when it does not know the group. */
  async servedVersions(group: string, signal: AbortSignal): Promise<readonly string[]> {
    try {
      const answer = asRecord(await this.#call({ method: 'GET', path: `/apis/${group}` }, signal));
      const versions: readonly unknown[] = Array.isArray(answer['versions']) ? answer['versions'] : [];
      return versions.flatMap((entry) =>
        isRecord(entry) && typeof entry['version'] === 'string' ? [entry['version']] : [],
      );
    } catch (error) {
      if (error instanceof PublishError && error.code === 'KUBERNETES_NOT_FOUND') return [];
      throw error;
    }
  }

  /** Whether we may do that, by SelfSubjectAccessReview, which changes nothing. */
  async may(access: Access, signal: AbortSignal): Promise<boolean> {
    const { verb, resource, namespace, name } = access;
    const named = isNamed(access) ? { name } : {};
    const resourceAttributes = { verb, group: '', resource, namespace, ...named };
    const answer = await this.#call(
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
      timeoutSeconds: String(WATCH_SECONDS),
    });
    const access: Access = { ...ref, verb: 'watch' };
    const call: Call = { method: 'GET', path: `${collection(ref)}?${query}`, access };
    const response = await this.#counted(access, async () => {
      try {
        return await this.#send(call, signal);
      } catch (error) {
        throw errorOfTransport(error, this.server);
      }
    });
    onOpen();
    try {
      for await (const line of readLines(response.body, LARGEST_ANSWER_BYTES)) {
        const event = asRecord(parseJson(line));
        yield { type: String(event['type']), object: event['object'] };
      }
    } catch (error) {
      throw errorOfTransport(error, this.server);
    } finally {
      response.body.destroy();
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
    return decodeObject(await this.#call({ method: 'PATCH', path, access, contentType, body }, signal));
  }

  async #call(call: Call, parent: AbortSignal): Promise<unknown> {
    const { clock, deadlineMs = DEFAULT_DEADLINE_MS } = this.#options;
    return withDeadline(clock, deadlineMs, parent, (signal, timedOut) =>
      this.#counted(call.access, async () => {
        try {
          const { body } = await this.#send(call, signal);
          return parseJson(await readText(body));
        } catch (error) {
          if (!timedOut()) throw errorOfTransport(error, this.server);
          const message = `the API server at ${this.server} did not answer in ${deadlineMs} ms`;
          throw new PublishError('KUBERNETES_TIMEOUT', message, {
            remedy: 'see the load of the API server and what stands between',
            cause: error,
          });
        }
      }),
    );
  }

  /** Sends one request; a 401 is tried once more with credentials read anew, since token files rotate. */
  async #send(call: Call, signal: AbortSignal, retry = true): Promise<Dispatcher.ResponseData> {
    const { credentials } = this.#options;
    const { headers, agent } = await credentials.authorize();
    const response = await request(`${credentials.server}${call.path}`, {
      method: call.method,
      dispatcher: agent,
      signal,
      headersTimeout: (WATCH_SECONDS + 30) * 1000,
      bodyTimeout: (WATCH_SECONDS + 30) * 1000,
      headers: {
        ...headers,
        accept: 'application/json',
        ...(call.contentType === undefined ? {} : { 'content-type': call.contentType }),
      },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    });
    if (response.statusCode < 300) return response;
    const text = await readText(response.body);
    if (response.statusCode === 401) {
      credentials.reload();
      if (retry) return this.#send(call, signal, false);
    }
    throw errorOfFailure({ status: response.statusCode, ...readStatus(text) }, call.access, call.question);
  }

  async #counted<T>(access: Access | undefined, work: () => Promise<T>): Promise<T> {
    const { onRequest } = this.#options;
    const [verb, resource] = [access?.verb ?? 'get', access?.resource ?? 'apis'];
    try {
      const result = await work();
      onRequest(verb, resource, 'ok');
      return result;
    } catch (error) {
      onRequest(verb, resource, error instanceof PublishError ? error.code : 'UNEXPECTED');
      throw error;
    }
  }
}

function collection({ namespace, resource }: ObjectRef): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/${resource}`;
}

async function readText(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > LARGEST_ANSWER_BYTES) {
      throw new PublishError('KUBERNETES_ANSWER_UNUSABLE', 'the API server answered more than 8 MiB');
    }
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new PublishError(
      'KUBERNETES_ANSWER_UNUSABLE',
      'the API server answered something that is not JSON',
      {
        remedy: 'see that the kubeconfig leads to the API server itself and not to a proxy or a login page',
      },
    );
  }
}

function readStatus(text: string): { reason: string; message: string } {
  try {
    const { reason, message } = asRecord(JSON.parse(text));
    return { reason: String(reason ?? ''), message: String(message ?? '') };
  } catch {
    return { reason: '', message: '' };
  }
}
