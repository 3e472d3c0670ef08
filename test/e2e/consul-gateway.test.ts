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

test('C2, C5: behind a gateway with a path and a password every request works, login and check too', async (t) => {
  const logins = { kubernetes: { [BEARER]: 'ambassador' } };
  const bed = await makeBed(t, { consul: { acl: { tokens: {}, logins } } });
  bed.limitCreation();
  const gateway = await startGateway(t, bed.consul, { prefix: PREFIX, credentials: CREDENTIALS });
  const bearerFile = join(temporary(), 'token');
  writeFileSync(bearerFile, BEARER);
  const env = {
    _CONSUL_HOST: '',
    _CONSUL_PORT: '',
    CONSUL_HTTP_ADDR: `http://127.0.0.1:${gateway.port}${PREFIX}`,
    CONSUL_HTTP_AUTH: CREDENTIALS,
    CONSUL_LOGIN_AUTH_METHOD: 'kubernetes',
    CONSUL_LOGIN_BEARER_TOKEN_FILE: bearerFile,
  };

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

test('C5: a gateway that asks for a password is named with the variable, by the daemon and by check', async (t) => {
  const bed = await makeBed(t);
  const gateway = await startGateway(t, bed.consul, { prefix: PREFIX, credentials: CREDENTIALS });
  const env = {
    _CONSUL_HOST: '',
    _CONSUL_PORT: '',
    CONSUL_HTTP_ADDR: `http://127.0.0.1:${gateway.port}${PREFIX}`,
    CONSUL_HTTP_AUTH: 'connector:a-wrong-password',
  };

  const line = await bed.start(env).line(({ query }) => query === 'roots');
  const { firstFail } = await check(bed, env);

  assert.equal(line['code'], 'CONSUL_UNAUTHORIZED');
  assert.match(String(line['error']), /a proxy in front of Consul requires a user and a password \(401\)$/);
  assert.match(String(line['remedy']), /CONSUL_HTTP_AUTH/);
  assert.deepEqual([firstFail?.check, firstFail?.code], ['consul', 'CONSUL_UNAUTHORIZED']);
});
