import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { firstRequestOf } from './first-request.ts';

/** A client that is slow on purpose, in sending or in reading, holds a connection this long and no longer. */
const CONNECTION_LASTS_MS = 5_000;
/** The oldest goes for a new one: a probe of the kubelet is fast, and must not wait behind those who are slow on purpose. */
const MAX_CONNECTIONS = 64;

/** The open connections. Node's own limits are on what a client sends; none ends one that does not read, and `maxConnections` drops the newest. */
export class Connections {
  /** Those with a limit, in the order of their coming. */
  readonly #limited = new Map<Socket, NodeJS.Timeout>();
  readonly #exempt = new Set<Socket>();
  readonly #sockets = new WeakMap<object, Socket>();

  /** Takes a new connection and returns it as far as its first request. */
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

  /** Lifts the limits from a connection that `take` returned: whoever asks for it sets narrower ones. */
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
