import type { ServerResponse } from 'node:http';
import type { Clock } from '../lib/clock.ts';
import { Notify } from '../lib/notify.ts';

export interface EventStreamsOptions {
  readonly clock: Clock;
  /** What an event carries: text of any number of lines that end with a line feed alone. */
  readonly render: () => string;
  /** Calls its argument when `render` may give something else, until the returned function is called. */
  readonly listen: (notice: () => void) => () => void;
}

interface Stream {
  readonly response: ServerResponse;
  /** Milliseconds of the monotonic clock, as the next. */
  readonly endsAt: number;
  /** When it was first found that the client has not read what was sent last. */
  unreadSince: number | undefined;
}

/** So many may watch at once: each holds a connection for minutes, which others may not. */
const MAX_STREAMS = 8;
const LASTS_MS = 5 * 60_000;
/** The browser comes back by itself after this. */
const RETRY_MS = 2_000;
const MIN_BETWEEN_MS = 1_000;
/** At least this often, so that relative times move; a client that has read nothing for so long is gone. */
const BEAT_MS = 30_000;

/**
 * Server-sent events (HTML Living Standard, section 9.2) for whoever watches the page. While nobody does, nothing runs. Of
 * what a client does not read one event is kept, and no second is sent after it.
 */
export class EventStreams {
  readonly #options: EventStreamsOptions;
  readonly #streams = new Set<Stream>();
  #run = new AbortController();

  constructor(options: EventStreamsOptions) {
    this.#options = options;
  }

  /** Answers with a stream of events; false: too many watch already, and nothing was answered. */
  add(response: ServerResponse): boolean {
    if (this.#streams.size >= MAX_STREAMS) return false;
    const stream: Stream = {
      response,
      endsAt: this.#options.clock.monotonic() + LASTS_MS,
      unreadSince: undefined,
    };
    const event = eventOf(this.#options.render());
    this.#streams.add(stream);
    response.once('close', () => this.#remove(stream));
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      connection: 'close',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      // nginx would keep events back until its buffer is full.
      'x-accel-buffering': 'no',
    });
    response.write(`retry: ${RETRY_MS}\n${event}`);
    if (this.#streams.size === 1) this.#sendOn().catch(() => this.#endAll());
    return true;
  }

  #remove(stream: Stream): void {
    this.#streams.delete(stream);
    if (this.#streams.size === 0) this.#run.abort();
  }

  /** After a bug in what is rendered: the browsers come back, the daemon goes on. */
  #endAll(): void {
    for (const { response } of this.#streams) response.destroy();
  }

  /** Runs until the last stream ends. */
  async #sendOn(): Promise<void> {
    const { clock, listen } = this.#options;
    this.#run = new AbortController();
    const { signal } = this.#run;
    const wakeup = new Notify(clock);
    const stopListening = listen(() => wakeup.notify());
    try {
      while (!signal.aborted) {
        await wakeup.wait(BEAT_MS, signal);
        if (!signal.aborted) this.#sendToAll();
        await clock.sleep(MIN_BETWEEN_MS, signal);
      }
    } finally {
      stopListening();
    }
  }

  #sendToAll(): void {
    const now = this.#options.clock.monotonic();
    let event: string | undefined;
    for (const stream of [...this.#streams]) {
      const { response } = stream;
      if (response.writableLength > 0) {
        stream.unreadSince ??= now;
        if (now - stream.unreadSince >= BEAT_MS) response.destroy();
        continue;
      }
      stream.unreadSince = undefined;
      if (now >= stream.endsAt) {
        // Its connection is exempt from the limits, so it must not wait for the client to close it.
        const { socket } = response;
        response.end(() => socket?.destroy());
        continue;
      }
      event ??= eventOf(this.#options.render());
      response.write(event);
    }
  }
}

function eventOf(text: string): string {
  return `${text
    .split('\n')
    .map((line) => `data: ${line}\n`)
    .join('')}\n`;
}
