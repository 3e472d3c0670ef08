import { Agent, request } from 'undici';
import type { PolicyRule } from '../../fixtures/kubernetes/access.ts';
import { watchLines } from './watching.ts';

export interface Account {
  /** As the API server names it in messages. */
  readonly user: string;
  readonly token: string;
}

/** The reason for which an API server refuses every new Secret of a namespace. */
export type Refusal = 'terminating' | 'quota' | 'webhook';

/** How to reach an API server. */
interface Address {
  readonly url: string;
  readonly caPem: string;
  /** Of a cluster-admin. */
  readonly adminToken: string;
  /** The namespace of the tests' objects, each of which has a unique name. */
  readonly namespace: string;
}

/** An API server, and what only its operator can do. */
export interface ApiServer extends Address {
  /** A ServiceAccount of the namespace that has only these rules. */
  account(name: string, rules: readonly PolicyRule[]): Promise<Account>;
  /** A resourceVersion that is too old for a watch. */
  expiredVersion(): Promise<string>;
  /** Another namespace, in which every new Secret is refused. */
  refusing(how: Refusal): Promise<string>;
}

export type Json = Record<string, unknown>;

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly body?: object;
  readonly type?: string;
  /** The administrator's by default; an empty one is not sent. */
  readonly token?: string;
}

export interface Answer {
  readonly code: number;
  readonly text: string;
  /** Empty if the answer is no JSON. */
  readonly body: Json;
}

export type Api = ReturnType<typeof makeApi>;

/** The requests of the contract's tests. `server` is called with the first of them, and not before. */
export function makeApi(server: () => Address) {
  let agent: Agent | undefined;
  const open = (): Agent => {
    agent ??= new Agent({ connect: { ca: server().caPem } });
    return agent;
  };
  const collection = (plural: string) => `/api/v1/namespaces/${server().namespace}/${plural}`;

  async function call(path: string, options: Call = {}): Promise<Answer> {
    const { method = 'GET', body, type = 'application/json', token = server().adminToken } = options;
    const answer = await request(`${server().url}${path}`, {
      dispatcher: open(),
      method,
      headers: {
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': type }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await answer.body.text();
    return { code: answer.statusCode, text, body: text.startsWith('{') ? JSON.parse(text) : {} };
  }

  const patch = (path: string, type: string, body: object, token?: string) =>
    call(path, { method: 'PATCH', type, body, ...(token === undefined ? {} : { token }) });

  return {
    call,
    /** Server-side apply by the manager `connector`, unless the query has another. */
    apply: (path: string, body: object, query = 'fieldManager=connector', token?: string) =>
      patch(`${path}?${query}`, 'application/apply-patch+yaml', body, token),
    merge: (path: string, body: object, manager = 'editor') =>
      patch(`${path}?fieldManager=${manager}`, 'application/merge-patch+json', body),
    create: (plural: string, body: object, manager = 'creator') =>
      call(`${collection(plural)}?fieldManager=${manager}`, { method: 'POST', body }),
    collection,
    async watch(plural: string, query: string) {
      const opened = await request(`${server().url}${collection(plural)}?watch=true&${query}`, {
        dispatcher: open(),
        headers: { authorization: `Bearer ${server().adminToken}` },
      });
      return watchLines(opened.statusCode, opened.body);
    },
    async close() {
      await agent?.destroy();
    },
  };
}
