import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { type Bed, makeBed } from './support/bed.ts';
import type { Daemon } from './support/daemon.ts';
import { eventually } from './support/eventually.ts';
import { fastTimeOf } from './support/fast-time.ts';
import { rssMiB } from './support/proc.ts';

const STREAMS = 8;
/** A stream ends after five minutes: ten seconds here. */
const STREAMS_SPEED = 30;
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

test('34: A stream of events that the daemon ends keeps no connection of a client that does not end it', async (t) => {
  const bed = await makeBed(t);
  const daemon = await bed.startReady(fastTimeOf(STREAMS_SPEED, Date.now()));
  const { port } = await daemon.line('serving status');
  const ended: boolean[] = [];

  const sockets = Array.from({ length: STREAMS }, () => {
    const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => undefined).on('end', () => ended.push(true));
    socket.resume().write('GET /events HTTP/1.1\r\nHost: a\r\n\r\n');
    return socket;
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });

  await eventually('the end of each', () => ended.length === STREAMS);
  // What is sent to a connection that is gone is answered by a reset, which the next write finds.
  await eventually('no connection', () => {
    for (const socket of sockets) if (!socket.destroyed) socket.write('still here');
    return sockets.every(({ destroyed }) => destroyed);
  });
});

describe('34: A slow or malicious client of the status port does not disturb the loops:', {
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
      // None holds a connection for longer than its time.
      const few = () => descriptors(daemon) - before[0] <= 10;
      await eventually('they are closed', few);
    });
  }
});
