import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { freePort } from '../../fixtures/servers/ports.ts';
import { checkOf, fails, plain, useConsul } from './support.ts';

// acl.test.ts, login.test.ts and tls.test.ts run `check` too.
const consul = useConsul({ connect: false });

test('Connect disabled is the first FAIL, and a token that Consul ignores without ACLs passes', async () => {
  const env = { ...plain(consul()), CONSUL_HTTP_TOKEN: randomUUID() };

  const { remedy } = await fails(env, 'consul-connect', 'CONSUL_CONNECT_DISABLED');

  assert.match(remedy ?? '', /add connect \{ enabled = true \} to the configuration/);
  const token = (await checkOf(env)).row('consul-token');
  assert.deepEqual([token?.status, token?.detail], ['pass', 'not needed: ACLs are disabled in Consul']);
});

test('no server listens: reaching Consul is the only FAIL', async () => {
  await fails({ _CONSUL_PORT: String(await freePort()) }, 'consul', 'CONSUL_UNREACHABLE');
});
