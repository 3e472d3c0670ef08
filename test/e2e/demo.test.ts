import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const DEMO = ['--import', 'tsx', 'scripts/demo.ts', '--embedded'];

function start(environment: Record<string, string>) {
  return spawn(process.execPath, DEMO, {
    cwd: REPOSITORY,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

describe('the demo', { concurrency: true }, () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'demo-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('tells the whole story in plain text, ends by itself with 0, and leaves the identity in the folder', async () => {
    const output = join(folder, 'whole');

    const demo = start({ DEMO_SECONDS: '12', _OUTPUT_DIR: output });
    const [told, [code]] = await Promise.all([text(demo.stdout), once(demo, 'exit')]);

    assert.equal(code, 0, told);
    assert.match(told, /the embedded development Consul/);
    assert.match(told, /identity +spiffe:\/\/[-0-9a-f]+\.consul\/ns\/default\/dc\/dc1\/svc\/ambassador\n/);
    assert.match(told, /why: missing: no identity was published/);
    assert.match(told, /renewal +wrote tls\.crt and tls\.key\n +why: renewal-due: /);
    assert.match(told, /rotation +Consul gets a new root, by the timer/);
    assert.match(told, /roots +wrote ca\.crt alone; tls\.crt and tls\.key stay byte for byte: 2 roots/);
    assert.match(told, /why: inactive-root: the published leaf does not chain to the active root/);
    assert.match(told, /openssl verify -CAfile \S+\/ca\.crt /);
    assert.match(told, /In all: \d+ writes, .* 1 rotation\./);
    assert.ok(!told.includes('\u001b'), told);
    assert.doesNotMatch(told, /BEGIN|PRIVATE KEY/);
    const published = ['ca.crt', 'secret.yaml', 'service.yaml', 'tls.crt', 'tls.key'];
    assert.deepEqual((await readdir(output)).filter((name) => !name.startsWith('..')).sort(), published);
    assert.match(await readFile(join(output, 'service.yaml'), 'utf8'), /secret: ambassador-consul-connect\n/);
  });

  it('stops with 0 on SIGINT however often it is sent, and the connector with it', async () => {
    const demo = start({ DEMO_SECONDS: '60', _OUTPUT_DIR: join(folder, 'stopped') });
    let told = '';
    let sending: NodeJS.Timeout | undefined;
    for await (const chunk of demo.stdout.setEncoding('utf8')) {
      told += chunk;
      // Up to its last moment, also while Node shuts down.
      if (told.includes('Look, in another terminal')) sending ??= setInterval(() => demo.kill('SIGINT'), 1);
    }
    const [code] =
      demo.exitCode === null && demo.signalCode === null ? await once(demo, 'exit') : [demo.exitCode];
    clearInterval(sending);
    const connector = Number(/pid (\d+)/.exec(told)?.[1]);

    assert.equal(code, 0, told);
    assert.throws(() => process.kill(connector, 0), { code: 'ESRCH' });
  });
});
