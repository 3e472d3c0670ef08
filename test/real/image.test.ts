import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { plain, useConsul } from './consul/support.ts';

const TEN_MINUTES = 600_000;

const consul = useConsul({});

test('the image, built from the Dockerfile, publishes to a folder as uid 65532 on a read-only root', {
  timeout: TEN_MINUTES,
}, async () => {
  const { stdout, stderr } = await promisify(execFile)('bash', ['scripts/image/test.sh'], {
    env: { ...process.env, ...plain(consul()) },
    maxBuffer: 64 * 1024 * 1024,
  });
  assert.match(stdout + stderr, /^ok: .* as uid 65532 on a read-only root/m);
});
