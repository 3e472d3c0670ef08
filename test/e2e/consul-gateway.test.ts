import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startGateway } from '../fixtures/consul/gateway.ts';
import { makeBed } from './support/bed.ts';
import { publishedPath } from './support/published.ts';
import { check } from './support/report.ts';
import { temporary } from './support/temporary.ts';

const PREFIX = '/consul';
const CREDENTIALS = 'connector:the-pass:word-of-the-gateway';
const BEARER = 'bearer-of-the-pod';

test('C2, C5: behind a gateway with a path and a password every request works; a wrong password is named with its variable', async (t) => {
  const logins = { kubernetes: { [BEARER]: 'ambassador' } };
  const bed = await makeBed(t, { consul: { acl: { tokens: {}, logins } } });
  bed.limitCreation();
  const gateway = await startGateway(t, bed.consul, { prefix: PREFIX, credentials: CREDENTIALS });
  const bearerFile = join(temporary(), 'token');
  writeFileSync(bearerFile, BEARER);
  const address = {
    _CONSUL_HOST: '',
    _CONSUL_PORT: '',
    CONSUL_HTTP_ADDR: `http://127.0.0.1:${gateway.port}${PREFIX}`,
  };
  const env = {
    ...address,
    CONSUL_HTTP_AUTH: CREDENTIALS,
    CONSUL_LOGIN_AUTH_METHOD: 'kubernetes',
    CONSUL_LOGIN_BEARER_TOKEN_FILE: bearerFile,
  };
  const wrong = { ...address, CONSUL_HTTP_AUTH: 'connector:a-wrong-password' };

  const refused = bed.start(wrong);
  const line = await refused.line(({ query }) => query === 'roots');
  await refused.stop();
  const { firstFail } = await check(bed, wrong);

  assert.equal(line['code'], 'CONSUL_UNAUTHORIZED');
  assert.match(String(line['error']), /a proxy in front of Consul requires a user and a password \(401\)$/);
  assert.match(String(line['remedy']), /CONSUL_HTTP_AUTH/);
  assert.deepEqual([firstFail?.check, firstFail?.code], ['consul', 'CONSUL_UNAUTHORIZED']);
  assert.deepEqual(gateway.forwarded, []);

  const daemon = await bed.startReady(env);
  publishedPath(bed);
  const report = await check(bed, env);

  assert.deepEqual(report.notPassed, []);
  assert.equal((await daemon.stop()).code, 0);
  assert.deepEqual([...new Set(gateway.forwarded)].sort(), [
    'GET /v1/acl/token/self',
    'GET /v1/agent/connect/ca/leaf/ambassador',
    'GET /v1/agent/connect/ca/roots',
    'POST /v1/acl/login',
    'POST /v1/acl/logout',
    'POST /v1/internal/acl/authorize',
  ]);
});
