import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { type Bed, makeBed } from './support/bed.ts';
import type { Daemon } from './support/daemon.ts';
import { eventually } from './support/eventually.ts';
import { rssMiB } from './support/proc.ts';

const STREAMS = 8;
/** SIGUSR2 advances the clock by five minutes, after which a stream ends. */
const FIVE_MINUTES_LATER = `--import=data:text/javascript,${encodeURIComponent(
  'const now = performance.now.bind(performance); let later = 0; performance.now = () => now() + later;' +
    "process.once('SIGUSR2', () => { later = 300_000; });",
)}`;
const PIPELINED = 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2_000);
const MAX_DESCRIPTORS_MORE = 70;
const MAX_MEMORY_MORE_MIB = 58;

function descriptors({ pid }: Daemon): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function open(port: number, text: string, reads = true): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  if (reads) socket.resume();
  socket.write(text);
  return socket;
}

async function assertWorks(bed: Bed, daemon: Daemon): Promise<void> {
  const before = bed.entry('tls.crt');
  await bed.consul.rotateRoot({ leafDelayMs: 0 });
  await eventually('the new leaf', () => bed.entry('tls.crt') !== before);
  assert.equal((await daemon.get('/livez')).status, 200);
}

test('S8: a client that sends a large body is disconnected, from the stream of events too', async (t) => {
  const bed = await makeBed(t);
  const daemon = await bed.startReady();
  const { port } = await daemon.line('serving status');

  for (const path of ['/events', '/livez', '/metrics']) {
    const length = 100 * 1024 * 1024;
    const socket = open(Number(port), `GET ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`);
    const upload = setInterval(() => socket.write(Buffer.alloc(32 * 1024)), 10);
    t.after(() => {
      clearInterval(upload);
      socket.destroy();
    });
    // By FIN or by a reset, whichever the upload meets first.
    await eventually('its end', () => socket.closed);
    clearInterval(upload);
    assert.ok(socket.bytesWritten < length / 10, `${path}: ${socket.bytesWritten} bytes`);
  }
  await assertWorks(bed, daemon);
});

test('34: a stream of events that the daemon ends keeps no connection, though the client does not close it', async (t) => {
  const bed = await makeBed(t);
  const daemon = await bed.startReady({ NODE_OPTIONS: FIVE_MINUTES_LATER });
  const { port } = await daemon.line('serving status');
  const began = new Set<Socket>();
  const ended = new Set<Socket>();

  const sockets = Array.from({ length: STREAMS }, () => {
    const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => undefined).once('data', () => began.add(socket));
    socket.on('end', () => ended.add(socket));
    socket.resume().write('GET /events HTTP/1.1\r\nHost: a\r\n\r\n');
    return socket;
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });

  await eventually('an event for each', () => began.size === STREAMS);
  daemon.signal('SIGUSR2');
  // Their age is checked when there is an event to send.
  await bed.consul.rotateRoot({ leafDelayMs: 0 });
  await eventually('the end of each', () => ended.size === STREAMS);
  // A write to a closed connection causes a reset, which the next write detects.
  await eventually('no connection', () => {
    for (const socket of sockets) if (!socket.destroyed) socket.write('still here');
    return sockets.every(({ destroyed }) => destroyed);
  });
});

describe('34: a slow or malicious client of the status port does not affect the control loops:', {
  concurrency: 4,
}, () => {
  for (const [client, attack] of [
    ['200 idle connections', (port) => Array.from({ length: 200 }, () => open(port, ''))],
    ['slowloris', (port) => Array.from({ length: 100 }, () => open(port, 'GET / HTTP/1.1\r\nX-A: '))],
    [
      'huge headers',
      (port) => Array.from({ length: 20 }, () => open(port, `GET / HTTP/1.1\r\nX-A: ${'a'.repeat(1e6)}`)),
    ],
    [
      'pipelining by one that never reads',
      (port) => Array.from({ length: 50 }, () => open(port, PIPELINED, false)),
    ],
  ] satisfies [string, (port: number) => Socket[]][]) {
    test(client, async (t) => {
      const bed = await makeBed(t);
      const daemon = await bed.startReady();
      const before = [descriptors(daemon), rssMiB(daemon.pid)] as const;
      const { port } = await daemon.line('serving status');

      const sockets = attack(Number(port));
      t.after(() => {
        for (const socket of sockets) socket.destroy();
      });
      await assertWorks(bed, daemon);

      assert.ok(
        descriptors(daemon) - before[0] <= MAX_DESCRIPTORS_MORE,
        `${descriptors(daemon)} descriptors`,
      );
      assert.ok(
        rssMiB(daemon.pid) - before[1] <= MAX_MEMORY_MORE_MIB,
        `${rssMiB(daemon.pid)} MiB after ${before[1]}`,
      );
      // No connection is held for longer than its limit.
      const few = () => descriptors(daemon) - before[0] <= 10;
      await eventually('they are closed', few);
    });
  }
});
