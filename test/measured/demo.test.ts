import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { startDemo } from '../e2e/support/demo.ts';
import { temporary } from '../e2e/support/temporary.ts';

// Certificates count whole seconds: of the five that a leaf lives in a shorter demo, four may be left, after which it is renewed.
test('the demo prints each step in plain text, ends by itself with 0, and leaves the identity in the folder', async () => {
  const output = temporary();

  const demo = startDemo(20, output);
  const [printed, [code]] = await Promise.all([text(demo.stdout), once(demo, 'exit')]);

  assert.equal(code, 0, printed);
  assert.match(printed, /the embedded development Consul/);
  assert.match(printed, /identity +spiffe:\/\/[-0-9a-f]+\.consul\/ns\/default\/dc\/dc1\/svc\/ambassador\n/);
  assert.match(printed, /why: missing: no identity was published/);
  assert.match(printed, /renewal +wrote tls\.crt and tls\.key\n +why: renewal-due: /);
  assert.match(printed, /rotation +Consul gets a new root, by the timer/);
  assert.match(printed, /roots +wrote ca\.crt alone; tls\.crt and tls\.key stay byte for byte: 2 roots/);
  assert.match(printed, /why: inactive-root: the published leaf does not chain to the active root/);
  assert.match(printed, /openssl verify -CAfile \S+\/ca\.crt /);
  assert.match(printed, /In all: \d+ writes, .* 1 rotation\./);
  assert.ok(!printed.includes('\u001b'), printed);
  assert.doesNotMatch(printed, /BEGIN|PRIVATE KEY/);
  const published = ['ca.crt', 'secret.yaml', 'service.yaml', 'tls.crt', 'tls.key'];
  assert.deepEqual((await readdir(output)).filter((name) => !name.startsWith('..')).sort(), published);
  assert.match(await readFile(join(output, 'service.yaml'), 'utf8'), /secret: ambassador-consul-connect\n/);
});

test('the demo and its connector stop with 0 on any number of SIGINTs', async (t) => {
  const demo = startDemo(60, join(temporary(), 'stopped'));
  let output = '';
  let sending: NodeJS.Timeout | undefined;
  t.after(() => clearInterval(sending));
  for await (const chunk of demo.stdout.setEncoding('utf8')) {
    output += chunk;
    // Until it has ended, also while Node shuts down.
    if (output.includes('Look, in another terminal')) sending ??= setInterval(() => demo.kill('SIGINT'), 1);
  }
  const [code] =
    demo.exitCode === null && demo.signalCode === null ? await once(demo, 'exit') : [demo.exitCode];
  const connector = Number(/pid (\d+)/.exec(output)?.[1]);

  assert.ok(sending !== undefined, output);
  assert.equal(code, 0, output);
  assert.throws(() => process.kill(connector, 0), { code: 'ESRCH' });
});
