import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeAuthority } from '../../fixtures/servers/authority.ts';
import { freePort } from '../../fixtures/servers/ports.ts';
import { type ConsulTls, startRealConsul } from '../../fixtures/servers/real-consul.ts';
import { checkOf, fails, passes } from './checking.ts';
import { bearerToken, makeJwtLogin } from './jwt-login.ts';
import { folderFor, plain, useConsul } from './support.ts';

const MINIMAL = 'service "ambassador" { policy = "write" }';

// A newer Consul (seen with 1.16) gives a leaf from its cache to any token, so a test that expects a refusal has a service
// of its own.
const consul = useConsul({ acl: true, tls: { verifyIncoming: true } });

test('with the least policy, over HTTP and over mutual TLS, every row passes', async (t) => {
  await passes(t, { ...plain(consul()), ...(await good()) });
  await passes(t, { ...mutual(), ...https(), ...(await good()) });
});

test('no token: the token is the first FAIL, and one with the policy of the remedy is enough', async (t) => {
  const env = { ...plain(consul()), _CONSUL_SERVICE: 'without-token' };
  const { remedy = '' } = await fails(t, env, 'consul-token', 'CONSUL_PERMISSION_DENIED');

  const token = await consul().makeToken(policyIn(remedy));
  await passes(t, { ...env, CONSUL_HTTP_TOKEN: token });
});

test('a token that Consul does not know: the token is the first FAIL', async (t) => {
  const env = { ...plain(consul()), CONSUL_HTTP_TOKEN: randomUUID() };

  const { remedy } = await fails(t, env, 'consul-token', 'CONSUL_TOKEN_UNKNOWN');

  assert.match(remedy ?? '', /set CONSUL_HTTP_TOKEN to a token that exists/);
});

test('a token file that is not there: the token is the first FAIL, and names the file', async (t) => {
  const file = join(folderFor(t), 'token');
  const env = { ...plain(consul()), CONSUL_HTTP_TOKEN_FILE: file };

  const { detail } = await fails(t, env, 'consul-token', 'CONSUL_TOKEN_UNREADABLE');

  assert.ok(detail.includes(file), detail);
  writeFileSync(file, (await good()).CONSUL_HTTP_TOKEN);
  await passes(t, env);
});

for (const [service, less] of [
  ['reader', 'service "reader" { policy = "read" }'],
  ['writer-of-web', 'service "web" { policy = "write" }'],
] as const) {
  test(`${less} is too little: the permission is the first FAIL, and its remedy attached to the token is enough`, async (t) => {
    const Name = `less-${randomUUID()}`;
    const policy = await consul().mustPut<{ ID: string }>('/v1/acl/policy', { Name, Rules: less });
    const token = await consul().mustPut<{ SecretID: string }>('/v1/acl/token', { Policies: [{ Name }] });
    const env = { ...plain(consul()), CONSUL_HTTP_TOKEN: token.SecretID, _CONSUL_SERVICE: service };

    const { remedy = '' } = await fails(t, env, 'consul-leaf', 'CONSUL_PERMISSION_DENIED');

    await consul().mustPut(`/v1/acl/policy/${policy.ID}`, { Name, Rules: policyIn(remedy) });
    await passes(t, env);
  });
}

test('a login: its token is given back, and a refused one is a FAIL of the token', async (t) => {
  const login = await makeJwtLogin(t, consul());
  await login.bind('ambassador');
  await passes(t, login.environment);
  assert.deepEqual(await login.tokens(), []);

  writeFileSync(login.bearerTokenFile, bearerToken('ambassador', -600));
  await fails(t, login.environment, 'consul-token', 'CONSUL_LOGIN_FAILED');
});

test('a wrong CA: TLS is the first FAIL', async (t) => {
  const ca = join(folderFor(t), 'ca.pem');
  writeFileSync(ca, (await makeAuthority('Another')).certificate);
  const env = { ...mutual(), ...https(), ...(await good()), CONSUL_CACERT: ca };

  const { remedy } = await fails(t, env, 'consul-tls', 'CONSUL_TLS');

  assert.match(remedy ?? '', /set CONSUL_CACERT to the CA of the Consul servers/);
});

test('HTTP to the HTTPS port: TLS is the first FAIL, and what the remedy sets is enough', async (t) => {
  const { CONSUL_HTTP_SSL: _, ...http } = https();
  const env = { ...mutual(), ...http, ...(await good()) };

  const { remedy = '' } = await fails(t, env, 'consul-tls', 'CONSUL_HTTP_TO_HTTPS');

  const [, name = '', value = ''] = /set (CONSUL_\w+)=(\w+)/.exec(remedy) ?? [];
  await passes(t, { ...env, [name]: value });
});

test('HTTPS to the HTTP port: TLS is the first FAIL', async (t) => {
  const env = { ...mutual(), ...https(), ...plain(consul()), ...(await good()) };

  const { remedy } = await fails(t, env, 'consul-tls', 'CONSUL_TLS');

  assert.match(remedy ?? '', /set _CONSUL_PORT to the HTTPS port/);
});

test('no client certificate where one is asked for: TLS is the first FAIL', async (t) => {
  const { CONSUL_CACERT } = mutual();
  const env = { CONSUL_CACERT, ...https(), ...(await good()) };

  const { remedy } = await fails(t, env, 'consul-tls', 'CONSUL_TLS');

  assert.match(remedy ?? '', /set CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY/);
});

test('a CA file that is not there: TLS is the first FAIL, and Consul is not asked', async (t) => {
  const file = join(folderFor(t), 'nowhere.pem');
  const env = { ...mutual(), ...https(), ...(await good()), CONSUL_CACERT: file };

  const { detail } = await fails(t, env, 'consul-tls', 'CONSUL_TLS');

  assert.ok(detail.includes(file), detail);
});

test('Connect disabled: that is the first FAIL, and a token that no ACLs ask for is none', async (t) => {
  const without = await startRealConsul({ connect: false });
  t.after(() => without.stop());
  const env = { ...plain(without), CONSUL_HTTP_TOKEN: randomUUID() };

  const { remedy } = await fails(t, env, 'consul-connect', 'CONSUL_CONNECT_DISABLED');

  assert.match(remedy ?? '', /put connect \{ enabled = true \} into the configuration/);
  const token = (await checkOf(t, env)).row('consul-token');
  assert.deepEqual([token?.status, token?.detail], ['pass', 'not needed: the ACLs of Consul are off']);
});

test('nothing listens: reaching Consul is the first FAIL, and all else is skipped', async (t) => {
  const env = { _CONSUL_PORT: String(await freePort()), ...(await good()) };

  await fails(t, env, 'consul', 'CONSUL_UNREACHABLE');
});

/** The policy that a remedy gives, as one pastes it. */
function policyIn(remedy: string): string {
  return /service "[^"]*" \{[^}]*\}/.exec(remedy)?.[0] ?? '';
}

async function good(): Promise<{ CONSUL_HTTP_TOKEN: string }> {
  return { CONSUL_HTTP_TOKEN: await consul().makeToken(MINIMAL) };
}

function tls(): ConsulTls {
  const { tls } = consul();
  assert.ok(tls !== undefined);
  return tls;
}

function https() {
  return { _CONSUL_PORT: String(tls().port), CONSUL_HTTP_SSL: 'true' };
}

function mutual() {
  const { caFile, clientCertificateFile, clientKeyFile } = tls();
  return {
    CONSUL_CACERT: caFile,
    CONSUL_CLIENT_CERT: clientCertificateFile,
    CONSUL_CLIENT_KEY: clientKeyFile,
  };
}
