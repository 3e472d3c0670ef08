import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

export interface ConsulRequest {
  readonly method: string;
  /** The path as it was sent, percent-encoding and all, without the query. */
  readonly path: string;
  /** Path and query as they were sent. */
  readonly url: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Milliseconds since the epoch, by the server's clock. */
  readonly at: number;
  readonly target: Target;
  /** The decoded service name, when the leaf was asked for. */
  readonly service: string | undefined;
  /** Aborts when the client gives up or the server closes. */
  readonly signal: AbortSignal;
}

export type Target = 'roots' | 'leaf' | 'leader' | 'self' | 'other';

const LEAF_PATH = '/v1/agent/connect/ca/leaf/';
const TARGETS: Readonly<Record<string, Target>> = {
  '/v1/agent/connect/ca/roots': 'roots',
  '/v1/status/leader': 'leader',
  '/v1/agent/self': 'self',
};

/** @throws Error when the connection ends within the request */
export async function readRequest(
  message: IncomingMessage,
  at: number,
  signal: AbortSignal,
): Promise<ConsulRequest> {
  message.setEncoding('utf8');
  let body = '';
  for await (const chunk of message) body += String(chunk);
  const url = message.url ?? '/';
  const mark = url.indexOf('?');
  const path = mark === -1 ? url : url.slice(0, mark);
  const service = path.startsWith(LEAF_PATH) ? decode(path.slice(LEAF_PATH.length)) : undefined;
  return {
    method: message.method ?? 'GET',
    path,
    url,
    query: new URLSearchParams(mark === -1 ? '' : url.slice(mark)),
    headers: message.headers,
    body,
    at,
    target: service === undefined ? (TARGETS[path] ?? 'other') : 'leaf',
    service,
    signal,
  };
}

/** The token of the one header a client may send it in. */
export function tokenOf(request: ConsulRequest): string | undefined {
  const token = request.headers['x-consul-token'];
  return Array.isArray(token) ? token[0] : token;
}

/** Undefined where Consul finds no service either: an empty name, or an escape that is none. */
function decode(segment: string): string | undefined {
  try {
    return segment === '' ? undefined : decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
