import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ConsulClient } from '../../../src/consul/client.ts';
import { leafPath } from '../../../src/consul/connect-ca.ts';
import { type ConsulServer, serverUrl } from '../../../src/consul/endpoint.ts';
import type { Lookup } from '../../../src/consul/servers.ts';
import { describeError } from '../../../src/errors.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { temporary } from '../../e2e/support/temporary.ts';
import { textAnswer } from '../../fixtures/consul/answer.ts';
import { startConsul } from './asking.ts';

const never = new AbortController().signal;
const TOKEN = 'the-token';

/** Asks for the leaf over connections of one client. */
function client(t: TestContext, servers: readonly ConsulServer[], lookup?: Lookup) {
  const made = new ConsulClient(
    {
      servers,
      tls: undefined,
      httpAuth: undefined,
      inPod: false,
      token: { kind: 'value', token: TOKEN },
      scope: { namespace: undefined, partition: undefined, datacenter: 'dc1' },
      service: 'ambassador',
    },
    systemClock,
    lookup,
  );
  t.after(() => made.close(100));
  const connect = () => {
    const connection = made.connect();
    return (deadlineMs = 30_000) =>
      connection.get(leafPath('ambassador'), new URLSearchParams(), deadlineMs, never);
  };
  return { connect };
}

const addressOf = ({ host, port }: { host: string; port: number }) => ({ host, port });

for (const status of [301, 302, 307, 308]) {
  test(`a redirect (${status}) is CONSUL_REDIRECT and is not followed, so the token goes nowhere else`, async (t) => {
    const [consul, elsewhere] = await Promise.all([startConsul(t), startConsul(t)]);
    consul.script('leaf', () => ({ status, headers: { Location: `${elsewhere.url}/v1/agent/self` } }));
    const ask = client(t, [addressOf(consul)]).connect();

    assert.deepEqual(await ask().catch((caught: unknown) => describeError(caught)), {
      code: 'CONSUL_REDIRECT',
      error: `Consul, or a proxy before it, redirects (${status})`,
      remedy: 'set _CONSUL_HOST and _CONSUL_PORT to where it leads: no redirect is followed with a token',
    });

    assert.equal(consul.requests.length, 1);
    assert.equal(elsewhere.requests.length, 0);
  });
}

test('questions one after the other come over one connection, and those of another poll over another', async (t) => {
  const connections = new Set<unknown>();
  const server = createServer(({ socket }, response) => {
    connections.add(socket);
    response.setHeader('X-Consul-Index', '7').end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const { connect } = client(t, [{ host: '127.0.0.1', port: address.port }]);
  const [roots, leaf] = [connect(), connect()];

  for (let question = 0; question < 5; question += 1) await Promise.all([roots(), leaf()]);

  assert.equal(connections.size, 2);
});

test('a unix socket is asked as any other address', async (t) => {
  const socketPath = join(temporary(), 'consul.sock');
  const tokens: unknown[] = [];
  const server = createServer(({ headers }, response) => {
    tokens.push(headers['x-consul-token']);
    response.setHeader('X-Consul-Index', '7').end('{}');
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  t.after(() => server.close());

  const answer = await client(t, [{ socketPath }]).connect()();

  assert.deepEqual([answer.text, answer.index, tokens], ['{}', '7', [TOKEN]]);
});

test('a socket that is not there is CONSUL_UNREACHABLE with its path', async (t) => {
  const ask = client(t, [{ socketPath: '/nowhere/consul.sock' }]).connect();

  await assert.rejects(ask(), {
    code: 'CONSUL_UNREACHABLE',
    message: 'Consul at unix:///nowhere/consul.sock cannot be reached (ENOENT)',
  });
});

test('an answer of 500 or above is an error, and the next request goes to the next server', async (t) => {
  const [one, other] = await Promise.all([startConsul(t), startConsul(t)]);
  one.script('leaf', () => textAnswer(500, 'No cluster leader'));
  const ask = client(t, [addressOf(one), addressOf(other)]).connect();

  await assert.rejects(ask(), { code: 'CONSUL_NO_LEADER' });
  await ask();

  assert.deepEqual([one.requests.length, other.requests.length], [1, 1]);
});

test('a refusal is no reason to leave a server', async (t) => {
  const [one, other] = await Promise.all([startConsul(t), startConsul(t)]);
  one.script('leaf', () => textAnswer(403, 'Permission denied'));
  const ask = client(t, [addressOf(one), addressOf(other)]).connect();

  await assert.rejects(ask(), { code: 'CONSUL_PERMISSION_DENIED' });
  await assert.rejects(ask(), { code: 'CONSUL_PERMISSION_DENIED' });

  assert.deepEqual([one.requests.length, other.requests.length], [2, 0]);
});

test('T5: a server that says so is left for another one', async (t) => {
  const [one, other] = await Promise.all([startConsul(t), startConsul(t)]);
  const text = 'rate limit exceeded, try again later or against a different server';
  one.script('leaf', () => textAnswer(429, text));
  const ask = client(t, [addressOf(one), addressOf(other)]).connect();

  await assert.rejects(ask(), { code: 'CONSUL_RATE_LIMITED' });
  await ask();

  assert.deepEqual([one.requests.length, other.requests.length], [1, 1]);
});

for (const fault of ['reset', 'hang', 'cut-in-body'] as const) {
  test(`a server that fails (${fault}) is left by both connections`, async (t) => {
    const [one, other] = await Promise.all([startConsul(t), startConsul(t)]);
    one.script('leaf', () => fault);
    const { connect } = client(t, [addressOf(one), addressOf(other)]);
    const [leaf, roots] = [connect(), connect()];

    await assert.rejects(leaf(fault === 'hang' ? 200 : undefined), {
      code: fault === 'hang' ? 'CONSUL_TIMEOUT' : 'CONSUL_UNREACHABLE',
    });
    await Promise.all([leaf(), roots()]);

    assert.deepEqual([one.requests.length, other.requests.length], [1, 2]);
  });
}

test('a name that stands for several servers is asked at the one chosen, under its name', async (t) => {
  const consul = await startConsul(t);
  const lookup: Lookup = async () => [{ address: '127.0.0.77' }, { address: consul.host }];
  const ask = client(t, [{ host: 'consul-server.test', port: consul.port }], lookup).connect();

  await assert.rejects(ask(), {
    code: 'CONSUL_UNREACHABLE',
    message: `Consul at http://consul-server.test:${consul.port} cannot be reached (ECONNREFUSED)`,
  });
  await ask();

  assert.equal(consul.requests[0]?.headers.host, `consul-server.test:${consul.port}`);
});

test('C11: after a 404 of the last address the name is resolved again, since another server may have its address', async (t) => {
  const consul = await startConsul(t);
  let isMoved = false;
  consul.script('leaf', () => (isMoved ? undefined : textAnswer(404, '404 page not found')));
  let resolved = 0;
  const lookup: Lookup = async () => {
    resolved += 1;
    return [{ address: consul.host }];
  };
  const ask = client(t, [{ host: 'consul-server.test', port: consul.port }], lookup).connect();
  await assert.rejects(ask(), { code: 'CONSUL_NOT_FOUND' });

  isMoved = true;
  await ask();
  await ask();

  assert.equal(resolved, 2);
});

test('a name that does not resolve is CONSUL_UNREACHABLE with what to set', async (t) => {
  const lookup: Lookup = () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }));
  const ask = client(t, [{ host: 'consul-server.test', port: 1 }], lookup).connect();

  await assert.rejects(ask(), { code: 'CONSUL_UNREACHABLE', remedy: /_CONSUL_HOST does not resolve/ });
});

test('the scope is sent as far as it is set: a community edition refuses the rest', async (t) => {
  const consul = await startConsul(t);

  await client(t, [addressOf(consul)]).connect()();

  assert.deepEqual([...(consul.requests[0]?.query ?? [])], [['dc', 'dc1']]);
});

test('an address as a URL has its scheme, and brackets around IPv6', () => {
  const tls = {
    caFile: undefined,
    caFolder: undefined,
    certificateFile: undefined,
    keyFile: undefined,
    serverName: undefined,
    verify: true,
  };

  assert.equal(serverUrl({ host: '::1', port: 8500 }, undefined), 'http://[::1]:8500');
  assert.equal(serverUrl({ host: 'consul', port: 8501 }, tls), 'https://consul:8501');
  assert.equal(serverUrl({ socketPath: '/run/consul.sock' }, tls), 'unix:///run/consul.sock');
});
