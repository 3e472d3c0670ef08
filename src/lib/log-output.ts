import type { Writable } from 'node:stream';

/** What may wait for its reader: a day of what a daemon logs. */
const MAX_WAITING_BYTES = 1024 * 1024;

/**
 * Writes lines to standard output and never waits for whoever reads it: when a pipe is full, lines wait, and then are
 * dropped and counted. Written synchronously they would stop the process, and with it what it publishes.
 */
export class LogOutput {
  /** Called with the number of dropped lines, before the first that is written again. */
  onRecovered: (dropped: number) => void = () => undefined;
  readonly #stream: Writable;
  #dropped = 0;
  #untold = 0;

  constructor(stream: Writable) {
    this.#stream = stream;
    // A reader that went away is no reason to end.
    stream.on('error', () => undefined);
  }

  /** Lines dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  write(line: string): void {
    if (this.#stream.destroyed || this.#stream.writableLength > MAX_WAITING_BYTES) {
      this.#dropped += 1;
      this.#untold += 1;
      return;
    }
    if (this.#untold > 0) {
      const untold = this.#untold;
      this.#untold = 0;
      this.onRecovered(untold);
    }
    this.#stream.write(line);
  }
}
