import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Lookup, ServerList } from '../../../src/consul/servers.ts';

/** A resolver that answers from `names`, and what it was asked. */
function resolver(names: Record<string, readonly string[]>): { lookup: Lookup; asked: string[] } {
  const asked: string[] = [];
  const lookup: Lookup = async (host) => {
    asked.push(host);
    const addresses = names[host];
    if (addresses === undefined) {
      throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' });
    }
    return addresses.map((address) => ({ address }));
  };
  return { lookup, asked };
}

const NAMED = { host: 'consul-server.consul.svc', port: 8501 };

test('a server is kept until it fails, and its name is not resolved again meanwhile', async () => {
  const { lookup, asked } = resolver({ [NAMED.host]: ['10.0.0.1', '10.0.0.2'] });
  const servers = new ServerList([NAMED], lookup);

  const first = await servers.current();
  const second = await servers.current();

  assert.deepEqual(first, { server: NAMED, ip: '10.0.0.1' });
  assert.equal(second, first);
  assert.deepEqual(asked, [NAMED.host]);
});

test('the next address of the name follows one that failed', async () => {
  const { lookup } = resolver({ [NAMED.host]: ['10.0.0.1', '10.0.0.2', '10.0.0.3'] });
  const servers = new ServerList([NAMED], lookup);

  servers.failed(await servers.current());

  assert.equal((await servers.current()).ip, '10.0.0.2');
});

test('two connections that fail over the same server move on once, not twice', async () => {
  const { lookup } = resolver({ [NAMED.host]: ['10.0.0.1', '10.0.0.2', '10.0.0.3'] });
  const servers = new ServerList([NAMED], lookup);
  const [one, other] = await Promise.all([servers.current(), servers.current()]);

  servers.failed(one);
  servers.failed(other);

  assert.equal(one, other);
  assert.equal((await servers.current()).ip, '10.0.0.2');
});

test('two connections that ask at the same time resolve the name once', async () => {
  const { lookup, asked } = resolver({ [NAMED.host]: ['10.0.0.1'] });
  const servers = new ServerList([NAMED], lookup);

  await Promise.all([servers.current(), servers.current()]);

  assert.deepEqual(asked, [NAMED.host]);
});

test('after the last address the name is resolved anew, so that servers may be replaced', async () => {
  const names: Record<string, readonly string[]> = { [NAMED.host]: ['10.0.0.1', '10.0.0.2'] };
  const { lookup, asked } = resolver(names);
  const servers = new ServerList([NAMED], lookup);

  servers.failed(await servers.current());
  servers.failed(await servers.current());
  names[NAMED.host] = ['10.0.0.7'];

  assert.equal((await servers.current()).ip, '10.0.0.7');
  assert.equal(asked.length, 2);
});

test('a failure reported late, of a server left long ago, moves nothing', async () => {
  const { lookup } = resolver({ [NAMED.host]: ['10.0.0.1', '10.0.0.2'] });
  const servers = new ServerList([NAMED], lookup);
  const first = await servers.current();
  servers.failed(first);
  const second = await servers.current();

  servers.failed(first);

  assert.equal(await servers.current(), second);
});

test('one of several names that does not resolve is no failure', async () => {
  const { lookup } = resolver({ b: ['10.0.0.2'] });
  const servers = new ServerList(
    [
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
    ],
    lookup,
  );

  assert.deepEqual(await servers.current(), { server: { host: 'b', port: 2 }, ip: '10.0.0.2' });
});

test('names none of which resolves are the error of the resolver, and are asked again the next time', async () => {
  const names: Record<string, readonly string[]> = {};
  const { lookup } = resolver(names);
  const servers = new ServerList([NAMED], lookup);
  await assert.rejects(servers.current(), { code: 'ENOTFOUND' });

  names[NAMED.host] = ['10.0.0.1'];

  assert.equal((await servers.current()).ip, '10.0.0.1');
});

test('addresses and sockets are taken as they are, in the order given', async () => {
  const { lookup, asked } = resolver({});
  const configured = [
    { host: '::1', port: 1 },
    { socketPath: '/run/consul.sock' },
    { host: '10.0.0.1', port: 2 },
  ];
  const servers = new ServerList(configured, lookup);

  for (const server of configured) {
    const chosen = await servers.current();
    assert.deepEqual(chosen, { server, ip: undefined });
    servers.failed(chosen);
  }

  assert.deepEqual((await servers.current()).server, configured[0]);
  assert.deepEqual(asked, []);
});
