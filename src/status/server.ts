import { createServer, type ServerResponse } from 'node:http';
import { createServer as createListener, type Server, type Socket } from 'node:net';
import { StatusPortError, systemCode } from '../errors.ts';
import { firstRequestOf } from './first-request.ts';
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
/** A client that is slow on purpose, in sending or in reading, holds a connection this long and no longer. */
const CONNECTION_LASTS_MS = 5_000;
/** The oldest goes for a new one: a probe of the kubelet is fast, and must not wait behind those who are slow on purpose. */
const MOST_CONNECTIONS = 64;

/**
 * Serves `/livez`, `/readyz` and `/metrics`, one request a connection. Port 0 takes any free one.
 *
 * @throws StatusPortError when the port cannot be opened
 */
export async function startStatusServer(
  address: { host: string; port: number },
  health: Health,
  metrics: Metrics,
): Promise<StatusServer> {
  const http = createServer((request, response) => {
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
  });
  // Of a stream that breaks; there is nobody to tell.
  http.on('clientError', (_error, stream) => stream.destroy());
  const open = new Set<Socket>();
  const server = createListener((socket) => {
    limit(socket, open);
    http.emit('connection', firstRequestOf(socket));
  });
  await listen(server, address);
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

/** Node's own limits are on what a client sends; none ends one that does not read, and `maxConnections` drops the newest. */
function limit(socket: Socket, open: Set<Socket>): void {
  open.add(socket);
  const atMost = setTimeout(() => socket.destroy(), CONNECTION_LASTS_MS);
  socket.once('close', () => {
    clearTimeout(atMost);
    open.delete(socket);
  });
  // In the order of their coming.
  const [oldest] = open;
  if (open.size > MOST_CONNECTIONS) oldest?.destroy();
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
    connection: 'close',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(text);
}
