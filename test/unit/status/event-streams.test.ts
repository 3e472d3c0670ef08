import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { EventStreams } from '../../../src/status/event-streams.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { fastClock } from '../consul/fast-clock.ts';

const REQUEST = 'GET /events HTTP/1.1\r\nHost: a\r\n\r\n';
const WITHIN_MS = 60_000;

/** Streams behind a real server; `render` gives the text of an event. */
async function serve(t: TestContext, clock: Clock, render: () => string) {
  const listeners = new Set<() => void>();
  const streams = new EventStreams({
    clock,
    render,
    listen: (notice) => {
      listeners.add(notice);
      return () => listeners.delete(notice);
    },
  });
  const server = createServer((_request, response) => {
    if (!streams.add(response)) response.writeHead(503).end('too many');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const clients: Client[] = [];
  t.after(() => {
    for (const { socket } of clients) socket.destroy();
    server.closeAllConnections();
    server.close();
  });
  return {
    listeners,
    notice: () => {
      for (const listener of listeners) listener();
    },
    open: (reads = true): Client => {
      const client = new Client(connect(address.port, '127.0.0.1'), reads);
      clients.push(client);
      return client;
    },
  };
}

class Client {
  readonly socket: Socket;
  text = '';
  closed = false;

  constructor(socket: Socket, reads: boolean) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
    });
    if (reads) {
      socket.setEncoding('utf8').on('data', (text: string) => {
        this.text += text;
      });
    }
    socket.write(REQUEST);
  }

  get events(): number {
    return this.text.split('data: ').length - 1;
  }

  /** Resolves when that many events have arrived. */
  async got(events: number): Promise<void> {
    await eventually(`${events} events in ${this.text}`, () => this.events >= events, WITHIN_MS);
  }
}

describe('Server-sent events', () => {
  test('are sent at once after a change, and then at most once a second, however many changes there are', async (t) => {
    let nth = 0;
    const { open, notice } = await serve(t, systemClock, () => `${++nth}`);
    const client = open();
    await client.got(1);

    const from = performance.now();
    const ticking = setInterval(notice, 5);
    t.after(() => clearInterval(ticking));
    await client.got(2);
    assert.ok(performance.now() - from < 900, 'the first of them is not held back');
    await client.got(4);

    const ms = performance.now() - from;
    assert.ok(ms > 1_900, `three events in ${ms} ms`);
  });

  test('are sent every 30 s without a change, and end after minutes', async (t) => {
    const { open } = await serve(t, fastClock(200), () => 'x');
    const client = open();
    await eventually('the end', () => client.closed, WITHIN_MS);
    // Five minutes hold ten times 30 s and one; a slow machine sees fewer.
    assert.ok(client.events >= 5 && client.events <= 12, `${client.events} events`);
    assert.match(client.text, /\r\n0\r\n\r\n$/, 'a clean end');
  });

  test('do not pile up for a client that does not read, which is disconnected', async (t) => {
    let rendered = 0;
    const large = 'x'.repeat(8 * 1024 * 1024);
    const { open, notice, listeners } = await serve(t, fastClock(100), () => {
      rendered += 1;
      return large;
    });
    const client = open(false);
    const ticking = setInterval(notice, 10);
    t.after(() => clearInterval(ticking));

    await eventually('it is watched', () => listeners.size === 1, WITHIN_MS);
    await eventually('it is ended', () => listeners.size === 0, WITHIN_MS);

    assert.equal(rendered, 1, 'nothing was sent after what it did not read');
    client.socket.resume();
    await eventually('it sees the end', () => client.closed, WITHIN_MS);
  });

  test('end when they cannot be rendered, and a new stream works again', async (t) => {
    let broken = false;
    const { open, notice, listeners } = await serve(t, systemClock, () => {
      if (broken) throw new TypeError('a bug of our own');
      return 'x';
    });
    const first = open();
    await first.got(1);

    broken = true;
    notice();
    await eventually('it is ended', () => first.closed);
    assert.equal(listeners.size, 0);

    broken = false;
    await open().got(1);
  });
});
