import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporary } from '../../e2e/support/temporary.ts';
import { makeAuthority } from '../../fixtures/servers/authority.ts';
import { freePort } from '../../fixtures/servers/ports.ts';
import { startRealConsul } from '../../fixtures/servers/real-consul.ts';
import { checkOf, fails, passes } from './checking.ts';
import { bearerToken, makeJwtLogin } from './jwt-login.ts';
import { MINIMAL, mutual, plain, tlsOf, useConsul } from './support.ts';

// A newer Consul (seen with 1.16) gives a leaf from its cache to any token, so a test that expects a refusal has a service
// of its own.
const consul = useConsul({ acl: true, tls: { verifyIncoming: true } });

test('with the least policy, over HTTP and over mutual TLS, every row passes', async () => {
  await passes({ ...plain(consul()), ...(await good()) });
  await passes(await overTls());
});

test('no token: the token is the first FAIL, and one with the policy of the remedy is enough', async () => {
  const env = { ...plain(consul()), _CONSUL_SERVICE: 'without-token' };
  const { remedy = '' } = await fails(env, 'consul-token', 'CONSUL_PERMISSION_DENIED');

  const token = await consul().makeToken(policyIn(remedy));
  await passes({ ...env, CONSUL_HTTP_TOKEN: token });
});

test('a token that does not exist: the token is the first FAIL', async () => {
  const env = { ...plain(consul()), CONSUL_HTTP_TOKEN: randomUUID() };

  const { remedy } = await fails(env, 'consul-token', 'CONSUL_TOKEN_UNKNOWN');

  assert.match(remedy ?? '', /set CONSUL_HTTP_TOKEN to a token that exists/);
});

test('a token file that is missing: the token is the first FAIL, and names the file', async () => {
  const file = join(temporary(), 'token');
  const env = { ...plain(consul()), CONSUL_HTTP_TOKEN_FILE: file };

  const { detail } = await fails(env, 'consul-token', 'CONSUL_TOKEN_UNREADABLE');

  assert.ok(detail.includes(file), detail);
  writeFileSync(file, (await good()).CONSUL_HTTP_TOKEN);
  await passes(env);
});

for (const [service, less] of [
  ['reader', 'service "reader" { policy = "read" }'],
  ['writer-of-web', 'service "web" { policy = "write" }'],
] as const) {
  test(`${less} is too little: the permission is the first FAIL, and its remedy attached to the token is enough`, async () => {
    const Name = `less-${randomUUID()}`;
    const policy = await consul().mustPut<{ ID: string }>('/v1/acl/policy', { Name, Rules: less });
    const token = await consul().mustPut<{ SecretID: string }>('/v1/acl/token', { Policies: [{ Name }] });
    const env = { ...plain(consul()), CONSUL_HTTP_TOKEN: token.SecretID, _CONSUL_SERVICE: service };

    const { remedy = '' } = await fails(env, 'consul-leaf', 'CONSUL_PERMISSION_DENIED');

    await consul().mustPut(`/v1/acl/policy/${policy.ID}`, { Name, Rules: policyIn(remedy) });
    await passes(env);
  });
}

test('a login: its token is logged out, and a refused login is a FAIL of the token', async () => {
  const login = await makeJwtLogin(consul(), 'ambassador');
  await passes(login.environment);
  assert.deepEqual(await login.tokens(), []);

  writeFileSync(login.bearerTokenFile, bearerToken('ambassador', -600));
  await fails(login.environment, 'consul-token', 'CONSUL_LOGIN_FAILED');
});

for (const [what, change, expected] of [
  [
    'a wrong CA',
    async (folder: string) => {
      const CONSUL_CACERT = join(folder, 'ca.pem');
      writeFileSync(CONSUL_CACERT, (await makeAuthority('Another')).certificate);
      return { CONSUL_CACERT };
    },
    /set CONSUL_CACERT to the CA of the Consul servers/,
  ],
  ['HTTPS to the HTTP port', async () => plain(consul()), /set _CONSUL_PORT to the HTTPS port/],
  [
    'no client certificate where Consul requires one',
    async () => ({ CONSUL_CLIENT_CERT: '', CONSUL_CLIENT_KEY: '' }),
    /set CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY/,
  ],
  ['a CA file that is missing', async () => ({ CONSUL_CACERT: '/nowhere/ca.pem' }), /\/nowhere\/ca\.pem/],
] as const)
  test(`${what}: TLS is the first FAIL`, async () => {
    const env = { ...(await overTls()), ...(await change(temporary())) };

    const { detail, remedy } = await fails(env, 'consul-tls', 'CONSUL_TLS');

    assert.match(`${detail} ${remedy}`, expected);
  });

test('HTTP to the HTTPS port: TLS is the first FAIL, and the variable of the remedy is enough', async () => {
  const { CONSUL_HTTP_SSL: _, ...env } = await overTls();

  const { remedy = '' } = await fails(env, 'consul-tls', 'CONSUL_HTTP_TO_HTTPS');

  const [, name = '', value = ''] = /set (CONSUL_\w+)=(\w+)/.exec(remedy) ?? [];
  await passes({ ...env, [name]: value });
});

test('Connect disabled: that is the first FAIL, and a token that Consul without ACLs ignores is none', async (t) => {
  const without = await startRealConsul({ connect: false });
  t.after(() => without.stop());
  const env = { ...plain(without), CONSUL_HTTP_TOKEN: randomUUID() };

  const { remedy } = await fails(env, 'consul-connect', 'CONSUL_CONNECT_DISABLED');

  assert.match(remedy ?? '', /add connect \{ enabled = true \} to the configuration/);
  const token = (await checkOf(env)).row('consul-token');
  assert.deepEqual([token?.status, token?.detail], ['pass', 'not needed: ACLs are disabled in Consul']);
});

test('nothing listens: reaching Consul is the first FAIL, and all else is skipped', async () => {
  const env = { _CONSUL_PORT: String(await freePort()), ...(await good()) };

  await fails(env, 'consul', 'CONSUL_UNREACHABLE');
});

/** The policy in a remedy. */
function policyIn(remedy: string): string {
  return /service "[^"]*" \{[^}]*\}/.exec(remedy)?.[0] ?? '';
}

async function good(): Promise<{ CONSUL_HTTP_TOKEN: string }> {
  return { CONSUL_HTTP_TOKEN: await consul().makeToken(MINIMAL) };
}

async function overTls() {
  const _CONSUL_PORT = String(tlsOf(consul()).port);
  return { ...mutual(consul()), _CONSUL_PORT, CONSUL_HTTP_SSL: 'true', ...(await good()) };
}
