import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { handOutToken } from '../../e2e/support/secrets.ts';
import { indexOf, readLeaf, readRoots } from './reading.ts';
import { type Answer, AT_ONCE_MS, type ConsulServers, call, leafPath, ROOTS } from './servers.ts';

const SELF = '/v1/acl/token/self';
const LOGIN = '/v1/acl/login';
const LOGOUT = '/v1/acl/logout';

/** By these texts the connector recognises a token that lacks a right, and one that does not exist. */
const DENIED = /Permission denied|lacks permission/;
const UNKNOWN = /ACL not found|token does not exist/;

/** ACLs and logins. Each test has a service of its own: since 1.11 an agent serves a cached leaf to any token. */
export function declareAccess(servers: () => ConsulServers): void {
  const query = (path: string, token?: string) => call(servers().guarded + path, { token });
  const post = (path: string, body?: object, token?: string, url = servers().guarded) =>
    call(url + path, { method: 'POST', body: body && JSON.stringify(body), token });
  const refused = (answer: Answer, words: RegExp): void => {
    assert.equal(answer.status, 403, answer.text);
    assert.match(answer.text, words);
    assert.equal(answer.header('content-type'), 'text/plain; charset=utf-8');
  };

  test('the leaf requires a token with service:write, in X-Consul-Token', async () => {
    const token = await servers().token('guarded');
    const other = await servers().token('guarded-not');

    for (const [sent, words] of [
      [undefined, DENIED],
      ['', DENIED],
      [randomUUID(), UNKNOWN],
      ['no-uuid', UNKNOWN],
      [other, DENIED],
    ] as const) {
      refused(await query(leafPath('guarded'), sent), words);
    }
    const blocking = await query(`${leafPath('guarded')}?index=1&wait=60s`, randomUUID());
    refused(blocking, UNKNOWN);
    assert.equal(blocking.header('x-consul-index'), undefined);
    assert.ok(blocking.tookMs < AT_ONCE_MS, 'at once, regardless of the wait');
    assert.equal(readLeaf(await query(leafPath('guarded'), token)).Service, 'guarded');
  });

  test('the roots require no token, and any token gets them', async () => {
    for (const token of [undefined, randomUUID(), await servers().token('any')]) {
      readRoots(await query(ROOTS, token));
    }
  });

  test('a revoked token still gets the leaf that was signed for it, by both kinds of query', async () => {
    const token = await servers().token('revoked');
    const before = await query(leafPath('revoked'), token);
    await servers().revoke(token);
    refused(await query(SELF, token), UNKNOWN);
    assert.equal((await query(leafPath('revoked'), token)).text, before.text);
    const blocking = await query(`${leafPath('revoked')}?index=${indexOf(before)}&wait=500ms`, token);
    assert.deepEqual([blocking.text, blocking.tookMs > 490], [before.text, true]);
  });

  test('a token may read itself; an unknown token and no token are a 403', async () => {
    const token = await servers().token('self');
    const self = await query(SELF, token);
    assert.equal(self.status, 200);
    assert.equal(JSON.parse(self.text).SecretID, token);
    assert.match(String(JSON.parse(self.text).AccessorID), /^[0-9a-f-]{36}$/);
    refused(await query(SELF, randomUUID()), UNKNOWN);
    refused(await query(SELF), UNKNOWN);
    refused(await post(LOGOUT, undefined, token), DENIED);
    assert.equal((await query(SELF, token)).status, 200, 'only the token of a login can log out');
  });

  test('a login creates a token for its service, and a logout deletes it', async () => {
    const { authMethod, bearerToken, service } = servers().login;

    const login = await post(LOGIN, { AuthMethod: authMethod, BearerToken: bearerToken, Meta: { pod: 'a' } });

    assert.equal(login.status, 200, login.text);
    const { SecretID, AccessorID, AuthMethod, CreateTime, Local } = JSON.parse(login.text);
    const token = handOutToken(String(SecretID));
    assert.deepEqual([AuthMethod, Local], [authMethod, true]);
    assert.ok(Math.abs(Date.parse(CreateTime) - Date.now()) < 60_000);
    assert.equal(JSON.parse((await query(SELF, token)).text).AccessorID, AccessorID);
    readLeaf(await query(leafPath(service), token));
    refused(await query(leafPath(`${service}-not`), token), DENIED);
    const logout = await post(LOGOUT, undefined, token);
    assert.deepEqual([logout.status, logout.text.trim()], [200, 'true']);
    refused(await query(SELF, token), UNKNOWN);
    refused(await post(LOGOUT, undefined, token), UNKNOWN);
  });

  test('a login is refused by an unknown auth method, with a bad bearer token, in a namespace, and without JSON', async () => {
    const { authMethod, bearerToken } = servers().login;
    const body = { AuthMethod: authMethod, BearerToken: bearerToken };

    refused(await post(LOGIN, { ...body, AuthMethod: 'unknown' }), /ACL not found/);
    const bad = await post(LOGIN, { ...body, BearerToken: 'bad' });
    assert.ok([403, 500].includes(bad.status), `${bad.status} ${bad.text}`);
    const scoped = await post(`${LOGIN}?ns=team`, body);
    assert.equal(scoped.status, 400);
    assert.match(scoped.text, /Invalid query parameter: "ns"/);
    const cut = await call(servers().guarded + LOGIN, { method: 'POST', body: '{' });
    assert.equal(cut.status, 400);
    assert.match(cut.text, /Failed to decode request body/);
  });

  test('with ACLs off a login and reading a token are a 401, and a token sent with a query is ignored', async () => {
    const { open } = servers();
    for (const answer of [
      await post(LOGIN, { AuthMethod: 'any', BearerToken: 'any' }, undefined, open),
      await post(LOGOUT, undefined, randomUUID(), open),
      await call(open + SELF, { token: randomUUID() }),
    ]) {
      assert.deepEqual([answer.status, answer.text], [401, 'ACL support disabled']);
    }
    readLeaf(await call(open + leafPath('unguarded'), { token: randomUUID() }));
  });
}
