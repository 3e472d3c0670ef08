import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { Server, Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ConsulServer, serverUrl } from '../../../src/consul/endpoint.ts';
import type { Lookup } from '../../../src/consul/servers.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { temporary } from '../../e2e/support/temporary.ts';
import { textAnswer } from '../../fixtures/consul/answer.ts';
import { portOf } from '../../fixtures/consul/port-of.ts';
import { ANYWHERE, clientOf, getLeaf, serverOf, startConsul, TLS } from './clients.ts';

const TOKEN = 'the-token';

/** Requests the leaf over connections of one client. */
function client(t: TestContext, servers: readonly ConsulServer[], lookup?: Lookup) {
  const token = { kind: 'value', token: TOKEN } as const;
  const made = clientOf(
    t,
    { servers, token, scope: { ...ANYWHERE, datacenter: 'dc1' } },
    systemClock,
    lookup,
  );
  const connect = () => {
    const connection = made.connect();
    return (deadlineMs?: number) => getLeaf(connection, deadlineMs);
  };
  return { connect };
}

/** A server that answers each request under the index 7; `seen` gets the socket and the token. */
function answering(seen: (socket: Socket, token: unknown) => void): Server {
  return createServer(({ socket, headers }, response) => {
    seen(socket, headers['x-consul-token']);
    response.setHeader('X-Consul-Index', '7').end('{}');
  });
}

test('consecutive requests of a poll use one connection, and those of another poll use another', async (t) => {
  const connections = new Set<Socket>();
  const server = answering((socket) => connections.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { connect } = client(t, [{ host: '127.0.0.1', port: portOf(server) }]);
  const [roots, leaf] = [connect(), connect()];
  for (let turn = 0; turn < 5; turn += 1) await Promise.all([roots(), leaf()]);
  assert.equal(connections.size, 2);
});

test('a unix socket is used like any other address', async (t) => {
  const socketPath = join(temporary(), 'consul.sock');
  const tokens: unknown[] = [];
  const server = answering((_socket, token) => tokens.push(token));
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  t.after(() => server.close());
  const answer = await client(t, [{ socketPath }]).connect()();
  assert.deepEqual([answer.text, answer.index, tokens], ['{}', '7', [TOKEN]]);
});

test('a missing unix socket is CONSUL_UNREACHABLE with its path', async (t) => {
  const query = client(t, [{ socketPath: '/nowhere/consul.sock' }]).connect();
  await assert.rejects(query(), {
    code: 'CONSUL_UNREACHABLE',
    message: 'Consul at unix:///nowhere/consul.sock cannot be reached (ENOENT)',
  });
});

for (const fault of ['reset', 'hang', 'cut-in-body'] as const) {
  test(`a server that fails (${fault}) is left by both connections`, async (t) => {
    const [one, other] = await Promise.all([startConsul(t), startConsul(t)]);
    one.script('leaf', () => fault);
    const { connect } = client(t, [serverOf(one), serverOf(other)]);
    const [leaf, roots] = [connect(), connect()];

    await assert.rejects(leaf(fault === 'hang' ? 200 : undefined), {
      code: fault === 'hang' ? 'CONSUL_TIMEOUT' : 'CONSUL_UNREACHABLE',
    });
    await Promise.all([leaf(), roots()]);

    assert.deepEqual([one.requests.length, other.requests.length], [1, 2]);
  });
}

test('with a name of several servers the chosen address is queried, with the name in Host', async (t) => {
  const consul = await startConsul(t);
  const lookup: Lookup = async () => [{ address: '127.0.0.77' }, { address: consul.host }];
  const query = client(t, [{ host: 'consul-server.test', port: consul.port }], lookup).connect();

  await assert.rejects(query(), {
    code: 'CONSUL_UNREACHABLE',
    message: `Consul at http://consul-server.test:${consul.port} cannot be reached (ECONNREFUSED)`,
  });
  await query();

  assert.equal(consul.requests[0]?.headers.host, `consul-server.test:${consul.port}`);
});

test('C11: after a 404 from the last address the name is resolved again, since another server may have that address', async (t) => {
  const consul = await startConsul(t);
  let isMoved = false;
  consul.script('leaf', () => (isMoved ? undefined : textAnswer(404, '404 page not found')));
  let resolved = 0;
  const lookup: Lookup = async () => {
    resolved += 1;
    return [{ address: consul.host }];
  };
  const query = client(t, [{ host: 'consul-server.test', port: consul.port }], lookup).connect();
  await assert.rejects(query(), { code: 'CONSUL_NOT_FOUND' });

  isMoved = true;
  await query();
  await query();

  assert.equal(resolved, 2);
});

test('a name that does not resolve is CONSUL_UNREACHABLE with the variable to set', async (t) => {
  const lookup: Lookup = () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }));
  const query = client(t, [{ host: 'consul-server.test', port: 1 }], lookup).connect();
  await assert.rejects(query(), { code: 'CONSUL_UNREACHABLE', remedy: /_CONSUL_HOST does not resolve/ });
});

test('only the parts of the scope that are set are sent: a community edition rejects the rest', async (t) => {
  const consul = await startConsul(t);
  await client(t, [serverOf(consul)]).connect()();
  assert.deepEqual([...(consul.requests[0]?.query ?? [])], [['dc', 'dc1']]);
});

test('the URL of an address has its scheme, and brackets around an IPv6 address', () => {
  assert.equal(serverUrl({ host: '::1', port: 8500 }, undefined), 'http://[::1]:8500');
  assert.equal(serverUrl({ host: 'consul', port: 8501 }, TLS), 'https://consul:8501');
  assert.equal(serverUrl({ socketPath: '/run/consul.sock' }, TLS), 'unix:///run/consul.sock');
});
