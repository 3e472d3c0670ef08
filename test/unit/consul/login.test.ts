import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ConsulClient } from '../../../src/consul/client.ts';
import { leafPath } from '../../../src/consul/connect-ca.ts';
import type { LoginConfig } from '../../../src/consul/endpoint.ts';
import { describeError } from '../../../src/errors.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { temporary } from '../../e2e/support/temporary.ts';
import { jsonAnswer, textAnswer } from '../../fixtures/consul/answer.ts';
import { type EmbeddedConsul, startEmbeddedConsul } from '../../fixtures/consul/embedded-consul.ts';
import { refusals } from '../../fixtures/consul/refusals.ts';
import type { ConsulRequest } from '../../fixtures/consul/request.ts';
import type { ScriptedAnswer } from '../../fixtures/consul/script.ts';

const never = new AbortController().signal;
const BEARER = 'bearer-of-the-pod';

type Play = (request: ConsulRequest) => ScriptedAnswer | Promise<ScriptedAnswer>;

/** What the ACL endpoints of a Consul with one auth method do, and the tokens it knows at present. */
class Acl {
  readonly known = new Set<string>();
  lifetimeMs: number | undefined;
  /** How far its clock is ahead of the machine's. */
  aheadMs = 0;
  login: Play = () => {
    this.#count += 1;
    const SecretID = `session-${this.#count}`;
    this.known.add(SecretID);
    const created = Date.now() + this.aheadMs;
    return jsonAnswer({
      SecretID,
      CreateTime: new Date(created).toISOString(),
      ...(this.lifetimeMs === undefined
        ? {}
        : { ExpirationTime: new Date(created + this.lifetimeMs).toISOString() }),
    });
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

async function start(t: TestContext, login: Partial<LoginConfig> = {}, clock: Clock = systemClock) {
  const consul = await startEmbeddedConsul();
  t.after(() => consul.close());
  const bearerTokenFile = join(temporary(), 'token');
  await writeFile(bearerTokenFile, `${BEARER}\n`);
  const client = new ConsulClient(
    {
      servers: [{ host: consul.host, port: consul.port }],
      tls: undefined,
      httpAuth: undefined,
      inPod: false,
      token: {
        kind: 'login',
        authMethod: 'kubernetes',
        bearerTokenFile,
        datacenter: undefined,
        namespace: undefined,
        partition: undefined,
        meta: {},
        ...login,
      },
      scope: { namespace: undefined, partition: undefined, datacenter: undefined },
      service: 'ambassador',
    },
    clock,
  );
  t.after(() => client.close(100));
  const poll = (signal: AbortSignal = never) => {
    const connection = client.connect();
    return connection.get(leafPath('ambassador'), new URLSearchParams(), 60_000, signal);
  };
  return { consul, client, acl: new Acl(consul), poll, bearerTokenFile };
}

/** Each request as method, path and token, in order. */
function requestLog(consul: EmbeddedConsul): string[] {
  return consul.requests.map(({ method, path, headers, target }) =>
    [method, target === 'leaf' ? 'leaf' : path.slice('/v1/acl/'.length), headers['x-consul-token']]
      .filter((part) => part !== undefined)
      .join(' '),
  );
}

const LOGIN = ['POST login', 'GET token/self session-1'];

test('two polls log in once, and both ask with the token of it', async (t) => {
  const { consul, poll } = await start(t);

  await Promise.all([poll(), poll()]);

  assert.deepEqual(requestLog(consul), [...LOGIN, 'GET leaf session-1', 'GET leaf session-1']);
});

test('the login says auth method, bearer token and meta in its body, and namespace and partition in its query', async (t) => {
  const { consul, poll } = await start(t, { namespace: 'auth', partition: 'west', meta: { pod: 'a' } });

  await poll();

  const [login] = consul.requests;
  assert.equal(login?.url, '/v1/acl/login?ns=auth&partition=west');
  assert.deepEqual(JSON.parse(login.body), {
    AuthMethod: 'kubernetes',
    BearerToken: BEARER,
    Meta: { pod: 'a' },
  });
  assert.equal(login.headers['x-consul-token'], undefined);
});

test('C6: the datacenter of the login is that of login and logout, and the token is looked for where it is used', async (t) => {
  const { consul, client, poll } = await start(t, { datacenter: 'dc1' });

  await poll();
  await client.close(1_000);

  assert.deepEqual(
    consul.requests.map(({ url }) => url),
    [
      '/v1/acl/login?dc=dc1',
      '/v1/acl/token/self',
      '/v1/agent/connect/ca/leaf/ambassador?',
      '/v1/acl/logout?dc=dc1',
    ],
  );
});

test('C12: a redirect of the look for the new token is no missing replication, and the token is given back', async (t) => {
  const { consul, acl, poll } = await start(t);
  acl.self = () => ({ status: 302, body: '<html></html>' });

  await assert.rejects(poll(), { code: 'CONSUL_REDIRECT' });

  assert.equal(requestLog(consul).at(-1), 'POST logout session-1');
});

test('nothing is asked with a new token before it is visible', async (t) => {
  const { consul, acl, poll } = await start(t);
  const self = acl.self;
  let looks = 0;
  acl.self = (request) => {
    looks += 1;
    return looks === 1 ? refusals.aclNotFound : self(request);
  };

  await poll();

  assert.deepEqual(requestLog(consul), [...LOGIN, 'GET token/self session-1', 'GET leaf session-1']);
});

test('a token that never becomes visible is given back, and the error names the replication', async (t) => {
  let aheadMs = 0;
  const clock = { ...systemClock, monotonic: () => performance.now() + aheadMs };
  const { consul, acl, poll } = await start(t, {}, clock);
  acl.self = () => {
    aheadMs = 60_000;
    return refusals.aclNotFound;
  };

  await assert.rejects(poll(), { code: 'CONSUL_LOGIN_FAILED', remedy: /ACL replication/ });

  assert.equal(requestLog(consul).at(-1), 'POST logout session-1');
  assert.deepEqual([...acl.known], []);
});

test('a token that Consul no longer knows is replaced at once, without an error', async (t) => {
  const { consul, acl, poll } = await start(t);
  await poll();

  acl.known.clear();
  await poll();

  assert.deepEqual(requestLog(consul).slice(3), [
    'GET leaf session-1',
    'POST login',
    'GET token/self session-2',
    'GET leaf session-2',
  ]);
});

for (const [what, refusal] of [
  ['a 403', refusals.permissionDenied],
  ['the 500 that a client agent makes of it', { ...refusals.permissionDeniedByRpc, status: 500 }],
] as const) {
  test(`a token that lacks a right (${what}) is logged out, and the error comes before the next login`, async (t) => {
    const { consul, poll } = await start(t);
    consul.script('leaf', () => refusal);

    await assert.rejects(poll(), {
      code: 'CONSUL_PERMISSION_DENIED',
      remedy: /consul acl binding-rule create -method=\S+ -bind-type=service -bind-name=ambassador$/,
    });
    assert.deepEqual(requestLog(consul), [...LOGIN, 'GET leaf session-1', 'POST logout session-1']);

    consul.script('leaf', () => undefined);
    await poll();
    assert.deepEqual(requestLog(consul).slice(4), [
      'POST login',
      'GET token/self session-2',
      'GET leaf session-2',
    ]);
  });
}

test('a token is renewed after 80 % of its lifetime, and not before; the old one is given back', async (t) => {
  let aheadMs = 0;
  const clock = { ...systemClock, monotonic: () => performance.now() + aheadMs };
  const { consul, acl, poll } = await start(t, {}, clock);
  acl.lifetimeMs = 1_000_000;
  await poll();

  aheadMs = 790_000;
  await poll();
  aheadMs = 800_001;
  await poll();

  assert.deepEqual(requestLog(consul).slice(2), [
    'GET leaf session-1',
    'GET leaf session-1',
    'POST login',
    'GET token/self session-2',
    'POST logout session-1',
    'GET leaf session-2',
  ]);
});

test('a renewal that fails leaves the token in use until it expires, and is tried again', async (t) => {
  let aheadMs = 0;
  const clock = { ...systemClock, monotonic: () => performance.now() + aheadMs };
  const { consul, acl, poll } = await start(t, {}, clock);
  acl.lifetimeMs = 1_000_000;
  await poll();
  const { login } = acl;
  acl.login = () => refusals.noClusterLeader;

  aheadMs = 900_000;
  await poll();
  acl.login = login;
  await poll();
  acl.login = () => refusals.noClusterLeader;
  acl.known.clear();

  assert.deepEqual(requestLog(consul).slice(3), [
    'POST login',
    'GET leaf session-1',
    'POST login',
    'GET token/self session-2',
    'POST logout session-1',
    'GET leaf session-2',
  ]);
  await assert.rejects(poll(), { code: 'CONSUL_NO_LEADER' });
});

for (const [what, aheadMs] of [
  ['behind', -7_200_000],
  ['ahead', 7_200_000],
] as const) {
  test(`a token lives as long where Consul's clock is two hours ${what}`, async (t) => {
    let laterMs = 0;
    const clock = { ...systemClock, monotonic: () => performance.now() + laterMs };
    const { consul, acl, poll } = await start(t, {}, clock);
    acl.aheadMs = aheadMs;
    acl.lifetimeMs = 1_000_000;
    await poll();

    laterMs = 790_000;
    await poll();
    assert.deepEqual(requestLog(consul).slice(2), ['GET leaf session-1', 'GET leaf session-1']);

    laterMs = 800_001;
    await poll();
    assert.equal(requestLog(consul).at(-1), 'GET leaf session-2');
  });
}

test('the bearer token is read for each login, since the kubelet replaces it', async (t) => {
  const { consul, acl, poll, bearerTokenFile } = await start(t);
  await poll();

  await writeFile(bearerTokenFile, 'next-bearer');
  acl.known.clear();
  await poll();

  const logins = consul.requests.filter(({ path }) => path === '/v1/acl/login');
  assert.deepEqual(
    logins.map(({ body }) => JSON.parse(body).BearerToken),
    [BEARER, 'next-bearer'],
  );
});

test('closing logs out', async (t) => {
  const { consul, client, acl, poll } = await start(t);
  await poll();

  await client.close(1_000);

  assert.equal(requestLog(consul).at(-1), 'POST logout session-1');
  assert.deepEqual([...acl.known], []);
});

test('closing without a login asks nothing', async (t) => {
  const { consul, client } = await start(t);

  await client.close(1_000);

  assert.deepEqual(requestLog(consul), []);
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

test('closing while a new token is not visible yet gives it back', async (t) => {
  const { consul, client, acl, poll } = await start(t);
  acl.self = () => refusals.aclNotFound;
  const end = new AbortController();
  const polled = assert.rejects(poll(end.signal));
  await eventually('the first look', () => consul.requests.length >= 2);

  end.abort();
  await Promise.all([client.close(1_000), polled]);

  assert.equal(requestLog(consul).at(-1), 'POST logout session-1');
});

test('a poll that is interrupted does not end the login that the other poll waits for', async (t) => {
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

  assert.deepEqual(requestLog(consul), [...LOGIN, 'GET leaf session-1']);
});

for (const [what, answer, error] of [
  [
    'an auth method that does not exist',
    textAnswer(403, 'ACL not found'),
    {
      code: 'CONSUL_LOGIN_FAILED',
      error: 'Consul has no auth method "kubernetes" (403: ACL not found)',
      remedy: 'set CONSUL_LOGIN_AUTH_METHOD to one of: consul acl auth-method list',
    },
  ],
  [
    'a bearer token that is refused, and repeated in the refusal',
    textAnswer(403, `lookup of ${BEARER} failed`),
    {
      code: 'CONSUL_LOGIN_FAILED',
      error: 'the login by "kubernetes" was refused (403: lookup of [redacted] failed)',
      remedy:
        'see that the bearer token is one the auth method accepts, and that a binding rule matches it: consul acl binding-rule list -method=kubernetes',
    },
  ],
  [
    'an auth method that may not ask the API server',
    textAnswer(
      500,
      'annotation lookup failed: serviceaccounts "a" is forbidden: User "system:serviceaccount:consul:token-review" cannot get resource "serviceaccounts" in API group "" in the namespace "b"',
    ),
    {
      code: 'CONSUL_LOGIN_FAILED',
      error:
        'the login by "kubernetes" was refused (500: annotation lookup failed: serviceaccounts "a" is forbidden: User "system:serviceaccount:consul:token-review" cannot get resource "serviceaccounts" in API group "" in the namespace "b")',
      remedy:
        'let the ServiceAccount whose token the auth method has get serviceaccounts, and bind it to the ClusterRole system:auth-delegator',
    },
  ],
  [
    'a Consul without ACLs',
    textAnswer(401, 'ACL support disabled'),
    {
      code: 'CONSUL_ACLS_DISABLED',
      error: 'the ACLs of Consul are off (401: ACL support disabled)',
      remedy: 'unset the token or the login: none is needed; or switch ACLs on in every Consul agent',
    },
  ],
  [
    'a login that gives no token, but something that must not be quoted',
    jsonAnswer({ AccessorID: 'session-1' }),
    {
      code: 'CONSUL_INVALID_RESPONSE',
      error: "Consul's answer to the login holds no token",
      remedy: 'see that _CONSUL_HOST and _CONSUL_PORT lead to Consul itself and not to a proxy',
    },
  ],
] as const) {
  test(`${what} is said with its remedy`, async (t) => {
    const { acl, poll } = await start(t);
    acl.login = () => answer;

    assert.deepEqual(await poll().catch((caught: unknown) => describeError(caught)), error);
  });
}

for (const [what, answer, code] of [
  ['a redirect', { status: 301, headers: { Location: 'http://elsewhere.example/' } }, 'CONSUL_REDIRECT'],
  [
    'a redirect to a page that says what Consul might',
    { status: 301, body: '<p>ACL not found' },
    'CONSUL_REDIRECT',
  ],
  ['a proxy with a password', { status: 401, body: '<html></html>' }, 'CONSUL_UNAUTHORIZED'],
  ['an HTTPS port', refusals.httpToHttps, 'CONSUL_HTTP_TO_HTTPS'],
  ['a Consul without a leader', refusals.noClusterLeader, 'CONSUL_NO_LEADER'],
  ['a rate limit', refusals.rateLimitedSilently, 'CONSUL_RATE_LIMITED'],
] as const) {
  test(`${what} in the way of a login is no fault of the login: ${code}`, async (t) => {
    const { acl, poll } = await start(t);
    acl.login = () => answer;

    await assert.rejects(poll(), { code });
  });
}

for (const [what, content, message] of [
  ['missing', undefined, /cannot be read \(ENOENT\)$/],
  ['empty', ' \n', /is empty$/],
] as const) {
  test(`a bearer token file that is ${what} is CONSUL_LOGIN_FAILED, and Consul is not asked`, async (t) => {
    const { consul, poll, bearerTokenFile } = await start(t);
    if (content === undefined) await rm(bearerTokenFile);
    else await writeFile(bearerTokenFile, content);

    await assert.rejects(poll(), {
      code: 'CONSUL_LOGIN_FAILED',
      message,
      remedy: /CONSUL_LOGIN_BEARER_TOKEN_FILE/,
    });

    assert.deepEqual(requestLog(consul), []);
  });
}

test('the token of the login stands in no error', async (t) => {
  const { consul, poll } = await start(t);
  consul.script('leaf', () => textAnswer(500, 'cannot serve session-1'));

  const error = await poll().catch((caught: unknown) => describeError(caught));

  assert.doesNotMatch(JSON.stringify(error), /session-1/);
});
