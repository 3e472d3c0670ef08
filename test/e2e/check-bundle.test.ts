import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bundledEnvironment } from '../../src/cli/check/bundle.ts';
import { makeBed } from './support/bed.ts';
import { fastTimeOf } from './support/fast-time.ts';
import { assertNoSecrets } from './support/secrets.ts';

/** On a loaded machine ten seconds may not be enough to ask anything: here they take a minute. */
const unhurried = () => fastTimeOf(1 / 6, Date.now());
const TOKEN = '0f9c2b1e-8d7a-4c65-9e3b-5a1d7f2c4b68';

test('check --bundle writes what a bug report needs, and no secret', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'check-bundle-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'bundle.json');
  const bed = await makeBed(t, {
    consul: { acl: { tokens: { [TOKEN]: { serviceWrite: ['ambassador'] } } } },
  });
  bed.limitCreation();
  const daemon = await bed.startReady({ CONSUL_HTTP_TOKEN: TOKEN });
  const { port } = await daemon.line('serving status');

  const setting = { ...unhurried(), CONSUL_HTTP_TOKEN: TOKEN, _HTTP_PORT: String(port) };
  const check = bed.start(setting, ['check', '--bundle', file]);
  assert.equal((await check.exited).code, 0, check.stdout + check.stderr);
  const text = readFileSync(file, 'utf8');
  const bundle = JSON.parse(text);

  assert.match(check.stderr, /bundle\.json holds what a bug report needs, and nothing secret/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assertNoSecrets(text);
  assert.equal(bundle.environment.CONSUL_HTTP_TOKEN, '[set]');
  assert.equal(bundle.environment._HTTP_PORT, String(port));
  assert.equal(bundle.report.ok, true);
  assert.match(bundle.published[0].uris[0], /^spiffe:\/\/.*\/svc\/ambassador$/);
  assert.equal(bundle.published.at(-1).of, 'ca.crt');
  assert.match(bundle.daemon.metrics, /ambassador_consul_connector_ready 1\n/);
  assert.match(bundle.daemon.readyz, /^ok/);
});

test('check --bundle tells of a configuration that cannot be used, too', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'check-bundle-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'bundle.json');
  const bed = await makeBed(t);

  const check = bed.start({ _CONSUL_PORT: 'none' }, ['check', '--bundle', file]);
  assert.equal((await check.exited).code, 2);
  const bundle = JSON.parse(readFileSync(file, 'utf8'));

  assert.equal(bundle.report.rows[0].code, 'CONFIGURATION');
  assert.equal(bundle.published, 'nothing is published');
});

test('of the environment only our variables and those of a proxy are in it, without what they hide', () => {
  assert.deepEqual(
    bundledEnvironment({
      HOME: '/root',
      HTTPS_PROXY: 'http://user:hunter2@proxy:3128',
      _CONSUL_HOST: 'consul',
      _CONSUL_HTTP_AUTH: 'user:hunter2',
      CONSUL_HTTP_TOKEN: 'hunter2',
      CONSUL_HTTP_TOKEN_FILE: '/run/token',
      _OUTPUT_KEYSTORE_PASSWORD: 'hunter2',
      _OUTPUT_RELOAD_COMMAND: 'curl -u user:hunter2 reload',
    }),
    {
      CONSUL_HTTP_TOKEN: '[set]',
      CONSUL_HTTP_TOKEN_FILE: '/run/token',
      HTTPS_PROXY: 'http://[redacted]@proxy:3128',
      _CONSUL_HOST: 'consul',
      _CONSUL_HTTP_AUTH: '[set]',
      _OUTPUT_KEYSTORE_PASSWORD: '[set]',
      _OUTPUT_RELOAD_COMMAND: '[set]',
    },
  );
});
