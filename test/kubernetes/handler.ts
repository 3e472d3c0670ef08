import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { parse } from 'yaml';
import type { Access } from './access.ts';
import { discovery } from './discovery.ts';
import { ApiError, badRequest, unauthorized } from './errors.ts';
import type { Json, JsonObject } from './json.ts';
import { isObject } from './json.ts';
import type { Listener } from './listener.ts';
import { send } from './listener.ts';
import type { Operations } from './operations.ts';
import type { LoggedRequest, Scripts } from './scripts.ts';
import type { Target } from './target.ts';
import { attributesOf, targetOf } from './target.ts';
import type { Watches } from './watches.ts';

/** Everything a request meets on its way, and what it leaves behind for the tests to read. */
export interface Surroundings {
  access: Access;
  operations: Operations;
  watches: Watches;
  scripts: Scripts;
  listener: Listener;
  groups: () => readonly string[];
  log: (request: LoggedRequest) => void;
  wrote: (target: Target, name: string, manager: string) => void;
}

const OPEN_PATHS = new Set(['/version', '/livez', '/readyz', '/healthz']);
const REVIEW = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

function isJson(value: unknown): value is Json {
  return value === null || ['boolean', 'number', 'string', 'object'].includes(typeof value);
}

function decode(body: string, contentType: string): Json {
  if (body === '') {
    return null;
  }
  const yaml = contentType.endsWith('yaml') && !body.startsWith('{');
  try {
    const value: unknown = yaml ? parse(body) : JSON.parse(body);
    return isJson(value) ? value : null;
  } catch (error) {
    throw badRequest(
      `error decoding ${yaml ? 'YAML' : 'JSON'}: ${error instanceof Error ? error.message : 'unreadable'}`,
    );
  }
}

function managerOf(query: URLSearchParams, userAgent: string): string {
  return query.get('fieldManager') || userAgent.split('/', 1).join('') || 'unknown';
}

/** One request: logged, then scripted if a test says so, else authenticated, authorized and carried out. */
export async function handle(
  around: Surroundings,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://127.0.0.1');
  const method = request.method ?? 'GET';
  const target = targetOf(method, url.pathname, url.searchParams);
  const entry: LoggedRequest = {
    at: Date.now(),
    method,
    path: url.pathname,
    query: url.searchParams,
    contentType: (request.headers['content-type'] ?? '').split(';', 1).join(''),
    userAgent: request.headers['user-agent'] ?? '',
    verb: target?.verb ?? '',
    resource: target?.resource.plural ?? '',
    namespace: target?.namespace ?? '',
    name: target === undefined ? '' : attributesOf(target, url.searchParams).name,
    status: 0,
  };
  around.log(entry);
  response.on('error', () => undefined);
  response.once('finish', () => {
    entry.status = response.statusCode;
  });
  try {
    const body = await text(request);
    if (!(await scripted(around, entry, request, response))) {
      answer(around, entry, target, body, request, response);
      entry.status = response.statusCode;
    }
  } catch (error) {
    const failure =
      error instanceof ApiError ? error : new ApiError(500, 'InternalError', `double: ${String(error)}`);
    send(response, failure.code, failure.status, failure.headers);
  }
}

/** Resolves to true when a script has dealt with the request. */
async function scripted(
  around: Surroundings,
  entry: LoggedRequest,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const script = around.scripts.take(entry);
  if (script === undefined) {
    return false;
  }
  if (script === 'hang') {
    return true;
  }
  if (script === 'reset') {
    around.listener.reset(request);
    return true;
  }
  if (script instanceof ApiError) {
    throw script;
  }
  if (script.delay !== undefined && !(await waited(script.delay, response))) {
    return true;
  }
  if (!('status' in script)) {
    return false;
  }
  send(response, script.status, script.body ?? '', script.headers);
  return true;
}

/** Milliseconds; false when the client went first, so that no timer outlives its request. */
function waited(delay: number, response: ServerResponse): Promise<boolean> {
  return new Promise((resolve) => {
    const gone = () => {
      clearTimeout(timer);
      resolve(false);
    };
    const timer = setTimeout(() => {
      response.off('close', gone);
      resolve(true);
    }, delay);
    response.once('close', gone);
  });
}

function answer(
  around: Surroundings,
  entry: LoggedRequest,
  target: Target | undefined,
  body: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { access, operations } = around;
  const { method, path, query } = entry;
  if (!OPEN_PATHS.has(path) && !access.authenticated(request.headers.authorization)) {
    throw unauthorized();
  }
  if (method === 'POST' && path === REVIEW) {
    const review = decode(body, entry.contentType);
    send(response, 201, access.review(isObject(review) ? review : {}));
  } else if (target === undefined) {
    send(response, ...elsewhere(around, method, path));
  } else {
    access.check(attributesOf(target, query));
    if (target.verb === 'watch') {
      around.watches.serve(target, query, response);
    } else if (target.verb === 'get') {
      send(response, 200, operations.get(target));
    } else if (target.verb === 'list') {
      send(response, 200, operations.list(target, query));
    } else {
      const manager = managerOf(query, entry.userAgent);
      const { contentType } = entry;
      const done = operations.write({
        target,
        body: decode(body, contentType),
        query,
        contentType,
        manager,
      });
      if (done.changed) {
        around.wrote(target, nameIn(done.body) || target.name, manager);
      }
      send(response, done.code, done.body);
    }
  }
}

function nameIn(body: JsonObject): string {
  const { metadata } = body;
  const name = isObject(metadata) ? metadata['name'] : undefined;
  return typeof name === 'string' ? name : '';
}

function elsewhere({ access, groups }: Surroundings, method: string, path: string): [number, unknown] {
  access.check({ verb: method.toLowerCase(), group: '', resource: '', namespace: '', name: '', path });
  if (OPEN_PATHS.has(path) && path !== '/version') {
    return [200, 'ok'];
  }
  const document = method === 'GET' ? discovery(path, groups()) : undefined;
  return document === undefined ? [404, '404 page not found\n'] : [200, document];
}
