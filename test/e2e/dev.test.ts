import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeBed } from './support/bed.ts';
import { eventually } from './support/eventually.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const WITHIN_MS = 60_000;

test('`npm run dev` stops the daemon with its own last line, however often SIGINT is sent', async (t) => {
  const bed = await makeBed(t);
  const dev = spawn(process.execPath, ['--import', 'tsx', 'scripts/dev.ts'], {
    cwd: REPOSITORY,
    env: {
      HOME: REPOSITORY,
      PATH: process.env['PATH'],
      KUBECONFIG: bed.kubeconfig,
      _CONSUL_HOST: bed.consul.host,
      _CONSUL_PORT: String(bed.consul.port),
      _HTTP_PORT: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => {
    dev.kill('SIGTERM');
    dev.stdout.destroy();
  });
  let output = '';
  dev.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const exited = once(dev, 'exit');
  await eventually(
    () => `a Secret, after\n${output}`,
    () => bed.secret() !== undefined && bed.service() !== undefined,
    WITHIN_MS,
  );

  const sending = setInterval(() => dev.kill('SIGINT'), 1);
  t.after(() => clearInterval(sending));

  assert.deepEqual(await exited, [0, null], output);
  assert.match(output, /"msg":"stopped"/);
});
