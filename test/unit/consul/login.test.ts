import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { LoginConfig } from '../../../src/consul/endpoint.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { temporary } from '../../e2e/support/temporary.ts';
import { jsonAnswer, textAnswer } from '../../fixtures/consul/answer.ts';
import type { EmbeddedConsul } from '../../fixtures/consul/embedded-consul.ts';
import { refusals } from '../../fixtures/consul/refusals.ts';
import type { ConsulRequest } from '../../fixtures/consul/request.ts';
import type { ScriptedAnswer } from '../../fixtures/consul/script.ts';
import { clientOf, errorOf, getLeaf, serverOf, startConsul } from './clients.ts';

const BEARER = 'bearer-of-the-pod';

type Play = (request: ConsulRequest) => ScriptedAnswer | Promise<ScriptedAnswer>;

/** The ACL endpoints of a Consul with one auth method, and its current tokens. */
class Acl {
  readonly known = new Set<string>();
  lifetimeMs: number | undefined;
  /** How far the clock of Consul is ahead of the machine's. */
  aheadMs = 0;
  login: Play = () => {
    this.#count += 1;
    const SecretID = `session-${this.#count}`;
    this.known.add(SecretID);
    const created = Date.now() + this.aheadMs;
    const iso = (ms: number) => new Date(ms).toISOString();
    const expires = this.lifetimeMs === undefined ? {} : { ExpirationTime: iso(created + this.lifetimeMs) };
    return jsonAnswer({ SecretID, CreateTime: iso(created), ...expires });
  };
  self: Play = ({ headers }) =>
    this.known.has(String(headers['x-consul-token'])) ? jsonAnswer({}) : refusals.aclNotFound;
  logout: Play = ({ headers }) => {
    this.known.delete(String(headers['x-consul-token']));
    return jsonAnswer(true);
  };
  #count = 0;

  constructor(consul: EmbeddedConsul) {
    consul.script('acl', (request) => {
      if (request.path === '/v1/acl/login') return this.login(request);
      if (request.path === '/v1/acl/logout') return this.logout(request);
      return request.path === '/v1/acl/token/self' ? this.self(request) : undefined;
    });
    consul.script('leaf', ({ headers }) =>
      this.known.has(String(headers['x-consul-token'])) ? undefined : refusals.aclNotFound,
    );
  }
}

/** A Consul with ACLs, a client that logs in, and a clock that a test moves. */
async function start(t: TestContext, login: Partial<LoginConfig> = {}) {
  const consul = await startConsul(t);
  const bearerTokenFile = join(temporary(), 'token');
  await writeFile(bearerTokenFile, `${BEARER}\n`);
  const time = { passedMs: 0 };
  const clock = { ...systemClock, monotonic: () => performance.now() + time.passedMs };
  const scope = { datacenter: undefined, namespace: undefined, partition: undefined };
  const config = { kind: 'login', authMethod: 'kubernetes', bearerTokenFile, ...scope, meta: {} } as const;
  const client = clientOf(t, { servers: [serverOf(consul)], token: { ...config, ...login } }, clock);
  const poll = (signal?: AbortSignal) => getLeaf(client.connect(), 60_000, signal);
  return { consul, client, time, acl: new Acl(consul), poll, bearerTokenFile };
}

/** The requests from the `from`th on, each with the number of the token that was sent. */
function requestLog(consul: EmbeddedConsul, from = 0): string {
  const requests = consul.requests.slice(from).map(({ path, headers, target }) => {
    const what = target === 'leaf' ? 'leaf' : path.replace(/^.*\//, '');
    const token = headers['x-consul-token'];
    return token === undefined ? what : `${what} ${String(token).replace('session-', '#')}`;
  });
  return requests.join(', ');
}

test('C6: the login sends auth method, bearer token and meta, and its scope; the token is looked up where it is used', async (t) => {
  const { consul, client, poll } = await start(t, {
    datacenter: 'dc1',
    namespace: 'auth',
    partition: 'west',
    meta: { pod: 'a' },
  });

  await poll();
  await client.close(1_000);

  assert.deepEqual(
    consul.requests.map(({ url }) => url),
    [
      '/v1/acl/login?dc=dc1&ns=auth&partition=west',
      '/v1/acl/token/self?ns=auth&partition=west',
      '/v1/agent/connect/ca/leaf/ambassador?',
      '/v1/acl/logout?dc=dc1&ns=auth&partition=west',
    ],
  );
  const [login] = consul.requests;
  assert.equal(login?.headers['x-consul-token'], undefined);
  const body = { AuthMethod: 'kubernetes', BearerToken: BEARER, Meta: { pod: 'a' } };
  assert.deepEqual(JSON.parse(login?.body ?? ''), body);
});

test('C12: a redirect of the lookup of the new token is not reported as missing replication, and the token is logged out', async (t) => {
  const { consul, acl, poll } = await start(t);
  acl.self = () => ({ status: 302, body: '<html></html>' });
  await assert.rejects(poll(), { code: 'CONSUL_REDIRECT' });
  assert.match(requestLog(consul), / logout #1$/);
});

test('a new token is used once it is visible', async (t) => {
  const { consul, acl, poll } = await start(t);
  const { self } = acl;
  acl.self = () => {
    acl.self = self;
    return refusals.aclNotFound;
  };
  await poll();
  assert.equal(requestLog(consul), 'login, self #1, self #1, leaf #1');
});

test('a token that never becomes visible is logged out, and the error names the replication', async (t) => {
  const { consul, acl, poll, time } = await start(t);
  acl.self = () => {
    time.passedMs = 60_000;
    return refusals.aclNotFound;
  };
  await assert.rejects(poll(), { code: 'CONSUL_LOGIN_FAILED', remedy: /ACL replication/ });
  assert.match(requestLog(consul), / logout #1$/);
  assert.deepEqual([...acl.known], []);
});

for (const [what, refusal] of [
  ['a 403', refusals.permissionDenied],
  ['a 500 of a client agent', { ...refusals.permissionDeniedByRpc, status: 500 }],
] as const) {
  test(`a token that lacks a permission (${what}) is logged out, and the error is reported before the next login`, async (t) => {
    const { consul, poll } = await start(t);
    consul.script('leaf', () => refusal);

    await assert.rejects(poll(), {
      code: 'CONSUL_PERMISSION_DENIED',
      remedy: /consul acl binding-rule create -method=\S+ -bind-type=service -bind-name=ambassador$/,
    });
    assert.equal(requestLog(consul), 'login, self #1, leaf #1, logout #1');

    consul.script('leaf', () => undefined);
    await poll();
    assert.equal(requestLog(consul, 4), 'login, self #2, leaf #2');
  });
}

for (const [what, aheadMs] of [
  ['the same as ours', 0],
  ['two hours behind', -7_200_000],
  ['two hours ahead', 7_200_000],
] as const) {
  test(`a token is renewed after 80 % of its lifetime, and not before, if Consul's clock is ${what}; the old one is logged out`, async (t) => {
    const { consul, acl, poll, time } = await start(t);
    acl.aheadMs = aheadMs;
    acl.lifetimeMs = 1_000_000;
    await poll();

    time.passedMs = 790_000;
    await poll();
    time.passedMs = 800_001;
    await poll();

    assert.equal(requestLog(consul, 2), 'leaf #1, leaf #1, login, self #2, logout #1, leaf #2');
  });
}

test('a renewal that fails leaves the token in use until it expires, and is tried again', async (t) => {
  const { consul, acl, poll, time } = await start(t);
  acl.lifetimeMs = 1_000_000;
  await poll();
  const { login } = acl;
  acl.login = () => refusals.noClusterLeader;

  time.passedMs = 900_000;
  await poll();
  acl.login = login;
  await poll();
  acl.login = () => refusals.noClusterLeader;
  acl.known.clear();

  assert.equal(requestLog(consul, 3), 'login, leaf #1, login, self #2, logout #1, leaf #2');
  await assert.rejects(poll(), { code: 'CONSUL_NO_LEADER' });
});

test('closing without a login sends nothing', async (t) => {
  const { consul, client } = await start(t);
  await client.close(1_000);
  assert.equal(requestLog(consul), '');
});

test('closing takes no longer than its deadline, even if Consul hangs', async (t) => {
  const { client, acl, poll } = await start(t);
  await poll();
  acl.logout = () => 'hang';
  const startedAt = performance.now();
  await client.close(100);
  const tookMs = performance.now() - startedAt;
  assert.ok(tookMs >= 90 && tookMs < 1_000, `${tookMs} ms`);
});

test('closing while a new token is not visible yet logs it out', async (t) => {
  const { consul, client, acl, poll } = await start(t);
  acl.self = () => refusals.aclNotFound;
  const end = new AbortController();
  const polled = assert.rejects(poll(end.signal));
  await eventually('the first lookup', () => consul.requests.length >= 2);
  end.abort();
  await Promise.all([client.close(1_000), polled]);
  assert.match(requestLog(consul), / logout #1$/);
});

test('two polls share one login, which goes on if one of them is interrupted', async (t) => {
  const { consul, acl, poll } = await start(t);
  const { login } = acl;
  let allow = (): void => undefined;
  const allowed = new Promise<void>((resolve) => {
    allow = resolve;
  });
  acl.login = async (request) => {
    await allowed;
    return login(request);
  };
  const interrupted = new AbortController();
  const first = assert.rejects(poll(interrupted.signal));
  const second = poll();
  await eventually('the login', () => consul.requests.length === 1);

  interrupted.abort();
  await first;
  allow();
  await second;

  assert.equal(requestLog(consul), 'login, self #1, leaf #1');
});

const FORBIDDEN =
  'annotation lookup failed: serviceaccounts "a" is forbidden: User "system:serviceaccount:consul:token-review" cannot get resource "serviceaccounts" in API group "" in the namespace "b"';
for (const [what, answer, code, error, remedy] of [
  [
    'a bearer token that is rejected, and quoted in the answer',
    textAnswer(403, `lookup of ${BEARER} failed`),
    'CONSUL_LOGIN_FAILED',
    'the login with auth method "kubernetes" was refused (403: lookup of [redacted] failed)',
    'check that the auth method accepts the bearer token, and that a binding rule matches it: consul acl binding-rule list -method=kubernetes',
  ],
  [
    'an auth method that may not get ServiceAccounts',
    textAnswer(500, FORBIDDEN),
    'CONSUL_LOGIN_FAILED',
    `the login with auth method "kubernetes" was refused (500: ${FORBIDDEN})`,
    'allow the ServiceAccount of the auth method to get serviceaccounts, and bind it to the ClusterRole system:auth-delegator',
  ],
  [
    'a login without a token in its answer, which is not quoted',
    jsonAnswer({ AccessorID: 'session-1' }),
    'CONSUL_INVALID_RESPONSE',
    "Consul's answer to the login contains no token",
    'check that _CONSUL_HOST and _CONSUL_PORT lead to Consul itself and not to a proxy',
  ],
] as const) {
  test(`${what} is reported with its remedy`, async (t) => {
    const { acl, poll } = await start(t);
    acl.login = () => answer;
    assert.deepEqual(await errorOf(poll()), { code, error, remedy });
  });
}

for (const [what, answer, code] of [
  ['a redirect', { status: 301, headers: { Location: 'http://elsewhere.example/' } }, 'CONSUL_REDIRECT'],
  ['a redirect with words of Consul', { status: 301, body: '<p>ACL not found' }, 'CONSUL_REDIRECT'],
  ['a proxy with a password', { status: 401, body: '<html></html>' }, 'CONSUL_UNAUTHORIZED'],
  ['an HTTPS port', refusals.httpToHttps, 'CONSUL_HTTP_TO_HTTPS'],
  ['a Consul without a leader', refusals.noClusterLeader, 'CONSUL_NO_LEADER'],
  ['a rate limit', refusals.rateLimitedSilently, 'CONSUL_RATE_LIMITED'],
] as const) {
  test(`${what} in answer to a login is not reported as a failed login: ${code}`, async (t) => {
    const { acl, poll } = await start(t);
    acl.login = () => answer;
    await assert.rejects(poll(), { code });
  });
}

for (const [what, content, message] of [
  ['missing', undefined, /cannot be read \(ENOENT\)$/],
  ['empty', ' \n', /is empty$/],
] as const) {
  test(`a bearer token file that is ${what} is CONSUL_LOGIN_FAILED, without a request`, async (t) => {
    const { consul, poll, bearerTokenFile } = await start(t);
    if (content === undefined) await rm(bearerTokenFile);
    else await writeFile(bearerTokenFile, content);

    await assert.rejects(poll(), {
      code: 'CONSUL_LOGIN_FAILED',
      message,
      remedy: /CONSUL_LOGIN_BEARER_TOKEN_FILE/,
    });

    assert.equal(requestLog(consul), '');
  });
}
