import type { Socket } from 'node:net';

/** Longer than any legitimate one. */
const MAX_LENGTH = 8_192;
/** Status line, header fields and empty line; not of 101, after which another protocol follows (RFC 9112 section 4). */
const INTERIM = /^HTTP\/1\.\d 1(?!01)\d\d\b[^\n]*\r\n(?:[^\r\n]+\r\n)*\r\n/;
const INTERIM_BEGINS = /^HTTP\/1\.\d 1(?!01)\d\d\b/;
/** Enough to recognize an interim response. */
const MIN_LENGTH = 'HTTP/1.1 100 '.length;

/**
 * Hides interim responses from undici, which closes the connection at an unexpected `100 Continue`, although clients must be able
 * to parse one that they did not request (RFC 9110 section 15.2).
 */
export class InterimResponses {
  #isAwaited = false;

  /** Called before each request: the next data from the socket is the beginning of a response. */
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
      if (held.length < MIN_LENGTH || (INTERIM_BEGINS.test(held) && held.length < MAX_LENGTH)) return null;
      this.#isAwaited = false;
      const response = Buffer.from(held, 'latin1');
      held = '';
      return response;
    };
  }
}
