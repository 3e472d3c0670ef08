import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { startDemo } from './support/demo.ts';
import { temporary } from './support/temporary.ts';

test('the demo stops with 0 on SIGINT however often it is sent, and the connector with it', async (t) => {
  const demo = startDemo(60, join(temporary(), 'stopped'));
  let output = '';
  let sending: NodeJS.Timeout | undefined;
  t.after(() => clearInterval(sending));
  for await (const chunk of demo.stdout.setEncoding('utf8')) {
    output += chunk;
    // Up to its last moment, also while Node shuts down.
    if (output.includes('Look, in another terminal')) sending ??= setInterval(() => demo.kill('SIGINT'), 1);
  }
  const [code] =
    demo.exitCode === null && demo.signalCode === null ? await once(demo, 'exit') : [demo.exitCode];
  const connector = Number(/pid (\d+)/.exec(output)?.[1]);

  assert.equal(code, 0, output);
  assert.throws(() => process.kill(connector, 0), { code: 'ESRCH' });
});
