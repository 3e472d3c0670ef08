import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** A server that accepts and never answers, as one does whose process hangs. */
export async function startSilentServer(t: TestContext): Promise<SilentServer> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    // The other side may reset it.
    socket.on('error', () => undefined);
    sockets.push(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return {
    port: String(address.port),
    get connections() {
      return sockets.length;
    },
  };
}

export interface SilentServer {
  readonly port: string;
  /** So far. */
  readonly connections: number;
}
