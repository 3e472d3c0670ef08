import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeBed } from './support/bed.ts';
import { COMPILED } from './support/daemon.ts';
import { eventually } from './support/eventually.ts';
import { withPlugin } from './support/hanging.ts';
import { temporary } from './support/temporary.ts';

const MANIFEST = readFileSync(new URL('../../k8s/ambassador-consul-connector.yaml', import.meta.url), 'utf8');
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const IS_STABLE = major > 22 || (major === 22 && minor >= 13);

/** `NODE_OPTIONS` of the manifest, as this machine's Node.js spells it, and with the folder of its compiled code. */
function nodeOptions(): string {
  const [, value = ''] = /- name: NODE_OPTIONS\n +value: (.*)/.exec(MANIFEST) ?? [];
  assert.match(value, /^--permission --allow-fs-read=\* --allow-fs-write=\/app\/compiled$/);
  return value
    .replace('--permission', IS_STABLE ? '--permission' : '--experimental-permission')
    .replace('/app/compiled', COMPILED);
}

test('S7: with the permissions of Node.js in the manifest, the daemon publishes and rotates, and check passes', async (t) => {
  const bed = await makeBed(t);
  const NODE_OPTIONS = nodeOptions();
  const daemon = await bed.startReady({ NODE_OPTIONS });
  const before = bed.entry('tls.crt');

  await bed.consul.rotateRoot({ leafDelayMs: 0 });
  await eventually('the new leaf', () => bed.entry('tls.crt') !== before);
  const checking = bed.start({ NODE_OPTIONS }, ['check']);

  assert.equal((await checking.exited).code, 0, checking.stdout);
  assert.equal((await daemon.get('/readyz')).status, 200);
});

test('S7: with these permissions no program is started and no file written, and the remedy is the flag to change', async (t) => {
  const bed = await makeBed(t);
  const NODE_OPTIONS = nodeOptions();
  const starting = bed.start({ NODE_OPTIONS, ...withPlugin(bed, 'echo') });
  const writing = bed.start({ NODE_OPTIONS, _OUTPUT_DIR: join(temporary(), 'out') });

  const started = await starting.line(({ code }) => code === 'KUBERNETES_CONFIGURATION');
  const written = await writing.line(({ code }) => code === 'DIRECTORY_UNWRITABLE');

  const restricted = /the credential plugin .* failed: Access to this API has been restricted/;
  assert.match(String(started['error']), restricted);
  assert.match(String(started['remedy']), /add --allow-child-process to NODE_OPTIONS/);
  assert.match(String(written['error']), /ERR_ACCESS_DENIED/);
  assert.match(String(written['remedy']), /remove --permission from NODE_OPTIONS/);
});
