import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { firstRequestOf } from './first-request.ts';

/** The limit for a client that deliberately sends or reads slowly. */
const CONNECTION_LASTS_MS = 5_000;
/** The oldest is closed for a new one: a kubelet probe is fast, and must not wait for deliberately slow clients. */
const MAX_CONNECTIONS = 64;

/** The open connections. Node's limits only cover sending, none closes a client that does not read, and `maxConnections` drops the newest. */
export class Connections {
  /** Connections with a limit, in order of arrival. */
  readonly #limited = new Map<Socket, NodeJS.Timeout>();
  readonly #exempt = new Set<Socket>();
  readonly #sockets = new WeakMap<object, Socket>();

  /** Accepts a new connection and returns a stream that ends after its first request. */
  take(socket: Socket): Duplex {
    this.#limited.set(
      socket,
      setTimeout(() => socket.destroy(), CONNECTION_LASTS_MS),
    );
    socket.once('close', () => {
      clearTimeout(this.#limited.get(socket));
      this.#limited.delete(socket);
      this.#exempt.delete(socket);
    });
    const [oldest] = this.#limited.keys();
    if (this.#limited.size > MAX_CONNECTIONS) oldest?.destroy();
    const first = firstRequestOf(socket);
    this.#sockets.set(first, socket);
    return first;
  }

  /** Lifts the limits from a connection that `take` returned: the caller sets its own. */
  exempt(first: object): void {
    const socket = this.#sockets.get(first);
    if (socket === undefined) return;
    clearTimeout(this.#limited.get(socket));
    this.#limited.delete(socket);
    if (!socket.destroyed) this.#exempt.add(socket);
  }

  destroyAll(): void {
    for (const socket of [...this.#limited.keys(), ...this.#exempt]) socket.destroy();
  }
}
