import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { LogOutput } from '../../../src/lib/log-output.ts';
import { eventually } from '../../e2e/support/eventually.ts';

const LINE = `${'x'.repeat(10_000)}\n`;

/** Both ends of a connection; theirs is not read. */
async function unread(t: TestContext): Promise<{ ours: Socket; theirs: Socket }> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const ours = connect(address.port, '127.0.0.1');
  const [theirs] = await once(server, 'connection');
  assert.ok(theirs !== undefined);
  t.after(() => {
    ours.destroy();
    theirs.destroy();
    server.close();
  });
  return { ours, theirs };
}

test('K15: lines without a reader wait, are dropped and counted, and the count is reported once there is one', async (t) => {
  const { ours, theirs } = await unread(t);
  const output = new LogOutput(ours);
  const counts: number[] = [];
  output.onRecovered = (dropped) => counts.push(dropped);

  // More than any socket buffers.
  for (let line = 0; line < 5_000; line += 1) output.write(LINE);

  assert.ok(output.dropped > 0);
  assert.ok(ours.writableLength < 2_000_000, `${ours.writableLength} bytes wait`);
  theirs.resume();
  await eventually('the waiting lines are read', () => ours.writableLength === 0);
  output.write(LINE);
  assert.deepEqual(counts, [output.dropped]);
});

test('K15: a reader that disconnects does not end the process', async (t) => {
  const { ours, theirs } = await unread(t);
  const output = new LogOutput(ours);
  theirs.destroy();
  await eventually('the connection is over', () => {
    output.write(LINE);
    return ours.destroyed;
  });
  output.write(LINE);
});
