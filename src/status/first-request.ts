import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

const HEAD_ENDS = '\r\n\r\n';
/** Node's own limit; its HTTP server refuses a head that is cut off here. */
const MAX_HEAD_BYTES = 16 * 1024;
/** The answer is sent long before; a client that keeps sending more is disconnected. */
const MAX_DROPPED_BYTES = 64 * 1024;

/**
 * A connection up to the end of its first request's head. Node parses everything that a client has pipelined before the first
 * answer: 50 clients with 2,000 requests each took 230 MB. Some of the following data is read and dropped, because a client may
 * send a body with a GET; a client that keeps sending is disconnected: eight uploads took a whole core.
 */
export function firstRequestOf(socket: Socket): Duplex {
  const first = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, encoding, done) => void socket.write(chunk, encoding, done),
    final: (done) => void socket.end(done),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  let head = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf(HEAD_ENDS);
    if (end < 0 && head.length <= MAX_HEAD_BYTES) return;
    socket.off('data', onData);
    let dropped = head.length - end - HEAD_ENDS.length;
    socket.on('data', (more: Buffer) => {
      dropped += more.length;
      if (dropped > MAX_DROPPED_BYTES) socket.destroy();
    });
    first.push(end < 0 ? head : head.subarray(0, end + HEAD_ENDS.length));
  };
  socket.on('data', onData);
  socket.on('error', () => first.destroy());
  socket.on('close', () => first.destroy());
  return first;
}
