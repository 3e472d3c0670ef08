import type { ServerResponse } from 'node:http';
import type { Clock } from '../lib/clock.ts';
import { Notify } from '../lib/notify.ts';

export interface EventStreamsOptions {
  readonly clock: Clock;
  /** The content of an event: text with any number of lines that end with only a line feed. */
  readonly render: () => string;
  /** Calls its argument when the result of `render` may have changed, until the returned function is called. */
  readonly listen: (onChange: () => void) => () => void;
}

interface Stream {
  readonly response: ServerResponse;
  /** Milliseconds of the monotonic clock, like the next. */
  readonly endsAt: number;
  /** When the client was first found not to have read the last event. */
  unreadSince: number | undefined;
}

/** The maximum number of viewers: each holds a connection for minutes, unlike other requests. */
const MAX_STREAMS = 8;
const LASTS_MS = 5 * 60_000;
/** The browser reconnects after this time. */
const RETRY_MS = 2_000;
const MIN_BETWEEN_MS = 1_000;
/** Sent at least this often to update relative times; a client that has read nothing for this long is disconnected. */
const BEAT_MS = 30_000;

/**
 * Server-sent events (HTML Living Standard, section 9.2) for viewers of the page. Nothing runs without a viewer. While a client has
 * not read its last event, no further one is sent.
 */
export class EventStreams {
  readonly #options: EventStreamsOptions;
  readonly #streams = new Set<Stream>();
  #run = new AbortController();

  constructor(options: EventStreamsOptions) {
    this.#options = options;
  }

  /** Answers with a stream of events; returns false, without an answer, if there are too many viewers. */
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
      // Otherwise nginx holds back events until its buffer is full.
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

  /** After a bug in `render`: the browsers reconnect, and the daemon continues. */
  #endAll(): void {
    for (const { response } of this.#streams) response.destroy();
  }

  /** Runs until the last stream ends. */
  async #sendOn(): Promise<void> {
    const { clock, listen } = this.#options;
    this.#run = new AbortController();
    const { signal } = this.#run;
    const notify = new Notify(clock);
    const stopListening = listen(() => notify.notify());
    try {
      while (!signal.aborted) {
        await notify.wait(BEAT_MS, signal);
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
