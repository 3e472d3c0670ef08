import type { Writable } from 'node:stream';

/** The limit of buffered output: about a day of a daemon's log. */
const MAX_WAITING_BYTES = 1024 * 1024;

/**
 * Writes lines to standard output without waiting for the reader: when a pipe is full, lines are buffered, then dropped and
 * counted. Synchronous writes would block the process, and with it publication.
 */
export class LogOutput {
  /** Called with the number of dropped lines, before the first line after them. */
  onRecovered: (dropped: number) => void = () => undefined;
  readonly #stream: Writable;
  #dropped = 0;
  #unreported = 0;

  constructor(stream: Writable) {
    this.#stream = stream;
    // The process continues when the reader closes the pipe.
    stream.on('error', () => undefined);
  }

  /** Lines dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  write(line: string): void {
    if (this.#stream.destroyed || this.#stream.writableLength > MAX_WAITING_BYTES) {
      this.#dropped += 1;
      this.#unreported += 1;
      return;
    }
    if (this.#unreported > 0) {
      const dropped = this.#unreported;
      this.#unreported = 0;
      this.onRecovered(dropped);
    }
    this.#stream.write(line);
  }
}
