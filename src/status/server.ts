import { createServer, type Server, type ServerResponse } from 'node:http';
import { StatusPortError, systemCode } from '../errors.ts';
import type { Health, Verdict } from './health.ts';
import type { Metrics } from './metrics.ts';

export interface StatusServer {
  readonly port: number;
  close(): Promise<void>;
}

const INDEX = `ambassador-consul-connector
/livez    the loops turn
/readyz   an identity that works is published
/metrics  Prometheus
`;
/** A client that is slow on purpose holds a connection this long and no longer. */
const REQUEST_TIMEOUT_MS = 5_000;
const MOST_CONNECTIONS = 64;

/**
 * Serves `/livez`, `/readyz` and `/metrics`. Port 0 takes any free one.
 *
 * @throws StatusPortError when the port cannot be opened
 */
export async function startStatusServer(
  address: { host: string; port: number },
  health: Health,
  metrics: Metrics,
): Promise<StatusServer> {
  const server = createServer(
    {
      headersTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => {
      request.resume();
      if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, 'only GET\n');
      switch (request.url?.split('?', 1)[0]) {
        case '/livez':
          return sendVerdict(response, health.liveness());
        case '/readyz':
          return sendVerdict(response, health.readiness());
        case '/metrics':
          return void metrics
            .text(health.readiness().ok)
            .then((text) => send(response, 200, text, 'text/plain; version=0.0.4; charset=utf-8'))
            .catch(() => send(response, 500, 'the metrics cannot be written\n'));
        case '/':
          return send(response, 200, INDEX);
        default:
          return send(response, 404, 'not found\n');
      }
    },
  );
  server.maxConnections = MOST_CONNECTIONS;
  await listen(server, address);
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
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
      // Later errors are those of one connection; none may end the process.
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
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, {
    'content-type': type,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(text);
}
