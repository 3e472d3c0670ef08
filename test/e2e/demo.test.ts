import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporary } from './support/temporary.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

test('the demo stops with 0 on SIGINT however often it is sent, and the connector with it', async () => {
  const demo = spawn(process.execPath, ['--import', 'tsx', 'scripts/demo.ts', '--embedded'], {
    cwd: REPOSITORY,
    env: { ...process.env, DEMO_SECONDS: '60', _OUTPUT_DIR: join(temporary(), 'stopped') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
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
