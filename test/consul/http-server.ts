import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

export type Listener = (message: IncomingMessage, response: ServerResponse) => void;

export interface TlsOptions {
  readonly cert: string;
  readonly key: string;
  /** With it, the client must show a certificate that this authority signed. */
  readonly clientCa?: string;
}

/** An HTTP or HTTPS server that never times a request out, as a long poll needs, and that ends every connection on close. */
export class HttpServer {
  readonly #server;
  readonly #sockets = new Set<Socket>();

  constructor(listener: Listener, tls: TlsOptions | undefined) {
    this.#server =
      tls === undefined
        ? createServer(listener)
        : createTlsServer(
            { cert: tls.cert, key: tls.key, ca: tls.clientCa, requestCert: tls.clientCa !== undefined },
            listener,
          );
    // Node's five seconds would close a connection just as a client uses it again; Consul keeps it.
    this.#server.keepAliveTimeout = 0;
    this.#server.requestTimeout = 0;
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /** The port it listens on. */
  async listen(host: string, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    const address = this.#server.address();
    return isTcp(address) ? address.port : port;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

function isTcp(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}
