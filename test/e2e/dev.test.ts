import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { type Bed, makeBed } from './support/bed.ts';
import { eventually } from './support/eventually.ts';
import { temporary } from './support/temporary.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

test('P1, P2: `npm run dev` with .env.example needs no kubeconfig for a folder, listens on loopback, and stops cleanly on any number of SIGINTs', async (t) => {
  const bed = await makeBed(t);
  const folder = join(temporary(), 'out');
  const example = parseEnv(readFileSync(join(REPOSITORY, '.env.example'), 'utf8'));
  const dev = startDev(t, bed, { ...example, KUBECONFIG: '/nowhere', _OUTPUT_DIR: folder });
  await eventually(
    () => `the folder, after\n${dev.output}`,
    () => existsSync(join(folder, 'tls.crt')),
  );
  assert.match(dev.output, /"host":"127\.0\.0\.1".*"msg":"serving status"/);

  const sending = setInterval(() => dev.interrupt(), 1);
  t.after(() => clearInterval(sending));

  assert.deepEqual(await dev.exited, [0, null], dev.output);
  assert.match(dev.output, /"msg":"stopped"/);
});

function startDev(t: TestContext, bed: Bed, env: NodeJS.Dict<string>) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/dev.ts'], {
    cwd: REPOSITORY,
    env: {
      HOME: REPOSITORY,
      PATH: process.env['PATH'],
      ...env,
      _CONSUL_HOST: bed.consul.host,
      _CONSUL_PORT: String(bed.consul.port),
      _HTTP_PORT: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => {
    child.kill('SIGTERM');
    child.stdout.destroy();
  });
  const dev = {
    output: '',
    exited: once(child, 'exit'),
    interrupt: () => child.kill('SIGINT'),
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    dev.output += text;
  });
  return dev;
}
