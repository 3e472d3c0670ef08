import { request } from 'undici';

/** The Consul agents, and what only their operator can do. */
export interface ConsulServers {
  /** The URL of one with ACLs off. */
  readonly open: string;
  /** Of one with ACLs on, whose default is to deny. */
  readonly guarded: string;
  /** Of one with Connect off. */
  readonly withoutConnect: string;
  /** A new active root of `open`. */
  rotate(crossSign: boolean): Promise<void>;
  /** A token of `guarded` that may write one service. */
  token(service: string): Promise<string>;
  revoke(token: string): Promise<void>;
  /** An auth method of `guarded`, and a bearer token that it accepts, for a service by that name. */
  readonly login: { readonly authMethod: string; readonly bearerToken: string; readonly service: string };
}

export interface Answer {
  readonly status: number;
  /** Undefined if it is not sent. */
  header(name: string): string | undefined;
  readonly text: string;
  readonly bytes: Buffer;
  /** How long the answer took, in milliseconds. */
  readonly tookMs: number;
}

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

export async function call(
  url: string,
  { method = 'GET', token, headers, body }: Call = {},
): Promise<Answer> {
  const before = performance.now();
  const answer = await request(url, {
    method,
    headers: { ...headers, ...(token === undefined ? {} : { 'x-consul-token': token }) },
    body: body ?? null,
  });
  const bytes = Buffer.from(await answer.body.arrayBuffer());
  return {
    status: answer.statusCode,
    header: (name) => [answer.headers[name]].flat()[0],
    text: bytes.toString(),
    bytes,
    tookMs: performance.now() - before,
  };
}

/** Half of the minute that such a query waits: a loaded machine may take some seconds. */
export const AT_ONCE_MS = 30_000;

export const ROOTS = '/v1/agent/connect/ca/roots';

export function leafPath(service: string): string {
  return `/v1/agent/connect/ca/leaf/${encodeURIComponent(service)}`;
}
