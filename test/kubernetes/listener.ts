import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import type { ServerIdentity } from './certificates.ts';

/**
 * The TLS server on 127.0.0.1 that can go down and come back on its port. It keeps the raw sockets itself: to close
 * connections that Node does not count yet (in their handshake), and to reset one, which a TLS socket cannot do.
 */
export class Listener {
  readonly #identity: ServerIdentity;
  readonly #handle: RequestListener;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;
  #connections = 0;

  constructor(identity: ServerIdentity, handle: RequestListener) {
    this.#identity = identity;
    this.#handle = handle;
  }

  get port(): number {
    return this.#port;
  }

  /** TLS connections made so far: a client that opens one for each call shows here. */
  get connections(): number {
    return this.#connections;
  }

  async start(): Promise<void> {
    if (this.#server !== undefined) {
      return;
    }
    const { certPem: cert, keyPem: key } = this.#identity;
    const server = createServer({ cert, key, keepAliveTimeout: 120_000 }, this.#handle);
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('secureConnection', () => {
      this.#connections += 1;
    });
    server.on('tlsClientError', () => undefined);
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', () => {
        server.off('error', reject);
        const address = server.address();
        this.#port = typeof address === 'object' && address !== null ? address.port : 0;
        resolve();
      });
    });
  }

  /** Ends every connection at once, whatever it carries; from then on clients see `connection refused`. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) {
      return;
    }
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    server.closeAllConnections();
    await closed;
  }

  /** TCP reset of the connection that carries `request`. */
  reset(request: IncomingMessage): void {
    const { remotePort } = request.socket;
    for (const socket of this.#sockets) {
      if (socket.remotePort === remotePort) {
        socket.resetAndDestroy();
      }
    }
    request.socket.destroy();
  }
}

/** Sends `body` (text as it is, anything else as JSON) unless the client has gone meanwhile. */
export function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  if (response.destroyed || response.headersSent) {
    return;
  }
  const text = typeof body === 'string' ? body : `${JSON.stringify(body)}\n`;
  const type = typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json';
  response.writeHead(status, { 'Content-Type': type, ...headers });
  response.end(text);
}
