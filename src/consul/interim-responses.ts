import type { Socket } from 'node:net';

/** An honest one is a line or two. */
const LONGEST = 8_192;
/** Status line, header fields and empty line of any but 101, after which another protocol follows (RFC 9112 section 4). */
const INTERIM = /^HTTP\/1\.\d 1(?!01)\d\d\b[^\n]*\r\n(?:[^\r\n]+\r\n)*\r\n/;
const INTERIM_BEGINS = /^HTTP\/1\.\d 1(?!01)\d\d\b/;
/** From here on it can be told whether a response is an interim one. */
const SHORTEST = 'HTTP/1.1 100 '.length;

/**
 * Hides interim responses from undici, which takes an unexpected `100 Continue` for the end of the connection, though a
 * client must be able to parse it without having asked for it (RFC 9110 section 15.2).
 */
export class InterimResponses {
  #isAwaited = false;

  /** To be called before each request: what the socket reads next is the beginning of a response. */
  expectResponse(): void {
    this.#isAwaited = true;
  }

  hideIn(socket: Socket): void {
    const read = socket.read.bind(socket);
    let held = '';
    socket.read = (size) => {
      const chunk: unknown = read(size);
      if (!this.#isAwaited || !Buffer.isBuffer(chunk)) return chunk;
      held += chunk.toString('latin1');
      while (INTERIM.test(held)) held = held.replace(INTERIM, '');
      if (held.length < SHORTEST || (INTERIM_BEGINS.test(held) && held.length < LONGEST)) return null;
      this.#isAwaited = false;
      const response = Buffer.from(held, 'latin1');
      held = '';
      return response;
    };
  }
}
