import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { type RealConsul, startRealConsul } from '../fixtures/servers/real-consul.ts';

const TEN_MINUTES = 600_000;

let consul: RealConsul;

before(async () => {
  consul = await startRealConsul();
});
after(() => consul.stop());

test('the image, built from the Dockerfile, publishes to a folder as uid 65532 on a read-only root', {
  timeout: TEN_MINUTES,
}, async () => {
  const { stdout, stderr } = await promisify(execFile)('bash', ['scripts/image/test.sh'], {
    env: { ...process.env, _CONSUL_HOST: consul.address.host, _CONSUL_PORT: String(consul.address.port) },
    maxBuffer: 64 * 1024 * 1024,
  });
  assert.match(stdout + stderr, /^ok: .* as uid 65532 on a read-only root/m);
});
