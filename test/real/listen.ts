import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Server } from 'node:net';
import type { TestContext } from 'node:test';

/** The server listens on a port of loopback until the end of the test. */
export async function listen(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}
