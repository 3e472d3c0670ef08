import { Agent, request } from 'undici';
import type { PolicyRule } from '../../fixtures/kubernetes/access.ts';
import { type Watch, watchLines } from './watching.ts';

export interface Account {
  /** As the API server names it in messages. */
  readonly user: string;
  readonly token: string;
}

/** What makes an API server refuse every new Secret of a namespace. */
export type Refusal = 'terminating' | 'quota' | 'webhook';

/** How to reach an API server. */
export interface Address {
  readonly url: string;
  readonly caPem: string;
  /** Of a cluster-admin. */
  readonly adminToken: string;
  /** Where the objects of the tests are, each with names of its own. */
  readonly namespace: string;
}

/** An API server under contract, with what only its operator can do. */
export interface ApiServer extends Address {
  /** A ServiceAccount of the namespace that has these rules there and nothing else. */
  account(name: string, rules: readonly PolicyRule[]): Promise<Account>;
  /** A resourceVersion that was good once and is too old for a watch now. */
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
  /** Empty where the answer is no JSON. */
  readonly body: Json;
}

/** The requests of the contract's tests. */
export interface Api {
  call(path: string, call?: Call): Promise<Answer>;
  /** Server-side apply by the manager `connector`, unless the query says otherwise. */
  apply(path: string, body: object, query?: string, token?: string): Promise<Answer>;
  merge(path: string, body: object, manager?: string): Promise<Answer>;
  create(plural: string, body: object, manager?: string): Promise<Answer>;
  collection(plural: string): string;
  watch(plural: string, query: string, token?: string): Promise<Watch>;
  close(): Promise<void>;
}

/** `server` is called with the first request, and not before. */
export function makeApi(server: () => Address): Api {
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
    apply: (path, body, query = 'fieldManager=connector', token = undefined) =>
      patch(`${path}?${query}`, 'application/apply-patch+yaml', body, token),
    merge: (path, body, manager = 'editor') =>
      patch(`${path}?fieldManager=${manager}`, 'application/merge-patch+json', body),
    create: (plural, body, manager = 'creator') =>
      call(`${collection(plural)}?fieldManager=${manager}`, { method: 'POST', body }),
    collection,
    async watch(plural, query, token = server().adminToken) {
      const opened = await request(`${server().url}${collection(plural)}?watch=true&${query}`, {
        dispatcher: open(),
        headers: { authorization: `Bearer ${token}` },
      });
      return watchLines(opened.statusCode, opened.body);
    },
    async close() {
      await agent?.destroy();
    },
  };
}
