import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Bed, makeBed } from './support/bed.ts';
import { COMPILED } from './support/daemon.ts';
import { eventually } from './support/eventually.ts';
import { changedKubeconfig, plugin } from './support/hanging.ts';
import { temporary } from './support/temporary.ts';

const MANIFEST = readFileSync(new URL('../../k8s/ambassador-consul-connector.yaml', import.meta.url), 'utf8');
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const IS_STABLE = major > 22 || (major === 22 && minor >= 13);

/** `NODE_OPTIONS` of the manifest, as this machine's Node.js has it, which keeps compiled code elsewhere. */
function nodeOptions(): string {
  const [, value = ''] = /- name: NODE_OPTIONS\n +value: (.*)/.exec(MANIFEST) ?? [];
  assert.match(value, /^--permission --allow-fs-read=\* --allow-fs-write=\/app\/compiled$/);
  return value
    .replace('--permission', IS_STABLE ? '--permission' : '--experimental-permission')
    .replace('/app/compiled', COMPILED);
}

function withPlugin(bed: Bed): { KUBECONFIG: string } {
  const folder = temporary();
  const change = ({ user }: { user: Record<string, unknown> }): void => {
    delete user['token'];
    user['exec'] = plugin(folder, 'echo');
  };
  return { KUBECONFIG: changedKubeconfig(bed.kubeconfig, folder, change) };
}

test('S7: with what the manifest lets Node.js do, it publishes, rotates and checks', async (t) => {
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

test('S7: with it, it starts no other program, and says what to add', async (t) => {
  const bed = await makeBed(t);
  const daemon = bed.start({ NODE_OPTIONS: nodeOptions(), ...withPlugin(bed) });

  const { error, remedy } = await daemon.line(({ code }) => code === 'KUBERNETES_CONFIGURATION');

  assert.match(String(error), /the credential plugin .* failed: Access to this API has been restricted/);
  assert.match(String(remedy), /add --allow-child-process to NODE_OPTIONS/);
});

test('S7: with it, it writes no file, and says what to add', async (t) => {
  const bed = await makeBed(t);
  const folder = join(temporary(), 'out');
  const daemon = bed.start({ NODE_OPTIONS: nodeOptions(), _OUTPUT_DIR: folder });

  const { error, remedy } = await daemon.line(({ code }) => code === 'DIRECTORY_UNWRITABLE');

  assert.match(String(error), /ERR_ACCESS_DENIED/);
  assert.match(String(remedy), /remove --permission from NODE_OPTIONS/);
});
