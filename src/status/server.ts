import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createListener, type Server } from 'node:net';
import { StatusPortError, systemCode } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { Connections } from './connection-limits.ts';
import { EventStreams } from './event-streams.ts';
import type { Verdict } from './health.ts';
import { type Observed, viewOf } from './observed.ts';

export interface StatusServer {
  readonly port: number;
  close(): Promise<void>;
}

const INDEX = `ambassador-consul-connector
/         the status page, for browsers
/livez    the control loops run
/readyz   a valid identity is published
/metrics  Prometheus
`;
const PLAIN = 'text/plain; charset=utf-8';

/**
 * Serves the page, its events, `/livez`, `/readyz` and `/metrics`, one request per connection. Port 0 selects a free one.
 *
 * @throws StatusPortError if the port cannot be opened
 */
export async function startStatusServer(
  address: { host: string; port: number },
  observed: Observed,
  clock: Clock,
): Promise<StatusServer> {
  const connections = new Connections();
  const site = new Site(observed, clock, connections);
  const http = createServer((request, response) => {
    request.resume();
    site.answer(request, response).catch(() => {
      if (response.headersSent) response.destroy();
      else send(response, 500, 'the answer cannot be written\n');
    });
  });
  // The connection is broken, so no error response is possible.
  http.on('clientError', (_error, stream) => stream.destroy());
  const server = createListener((socket) => void http.emit('connection', connections.take(socket)));
  await listen(server, address);
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        connections.destroyAll();
      }),
  };
}

/** The answers of all paths. */
class Site {
  readonly #observed: Observed;
  readonly #clock: Clock;
  readonly #connections: Connections;
  #streams: EventStreams | undefined;

  constructor(observed: Observed, clock: Clock, connections: Connections) {
    this.#observed = observed;
    this.#clock = clock;
    this.#connections = connections;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { health, metrics } = this.#observed;
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, 'only GET\n');
    switch (request.url?.split('?', 1)[0]) {
      case '/livez':
        return sendVerdict(response, health.liveness());
      case '/readyz':
        return sendVerdict(response, health.readiness());
      case '/metrics': {
        const text = await metrics.text(health.readiness().reasons);
        return send(response, 200, text, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
      }
      case '/':
        // Only for browsers: curl sends `*/*`.
        if (request.headers.accept?.includes('text/html')) return this.#sendPage(response);
        return send(response, 200, INDEX, { vary: 'accept' });
      case '/events':
        return this.#sendEvents(request, response);
      default:
        return send(response, 404, 'not found\n');
    }
  }

  async #sendPage(response: ServerResponse): Promise<void> {
    const { CONTENT_SECURITY_POLICY, renderPage } = await loadPage();
    send(response, 200, renderPage(viewOf(this.#observed, this.#clock.now())), {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      vary: 'accept',
    });
  }

  async #sendEvents(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'HEAD') return send(response, 405, 'only GET\n');
    const { renderMain } = await loadPage();
    this.#streams ??= new EventStreams({
      clock: this.#clock,
      render: () => renderMain(viewOf(this.#observed, this.#clock.now())),
      listen: (onChange) => this.#observed.health.subscribe(onChange),
    });
    if (this.#streams.add(response)) this.#connections.exempt(request.socket);
    else send(response, 503, 'too many viewers\n', { 'retry-after': '10' });
  }
}

/** Loaded on the first request: most processes never serve the page. */
function loadPage(): Promise<typeof import('./page/page.ts')> {
  return import('./page/page.ts');
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (cause: Error): void => {
      const code = systemCode(cause) ?? 'unknown';
      reject(
        new StatusPortError(`the status port ${host}:${port} cannot be opened (${code})`, {
          remedy: 'set _HTTP_HOST and _HTTP_PORT to an address and port that are free here',
          cause,
        }),
      );
    };
    server.once('error', onError);
    server.listen(port, host, () => {
      server.off('error', onError);
      // Later errors concern one connection, and must not end the process.
      server.on('error', () => undefined);
      resolve();
    });
  });
}

function sendVerdict(response: ServerResponse, { ok, text }: Verdict): void {
  send(response, ok ? 200 : 503, `${text}\n`);
}

function send(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    'content-type': PLAIN,
    connection: 'close',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(text);
}
