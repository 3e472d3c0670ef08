import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Lookup, ServerList } from '../../../src/consul/servers.ts';

/** A resolver that answers from `names`, and the hosts that it resolved. */
function resolver(names: Record<string, readonly string[]>): { lookup: Lookup; queried: string[] } {
  const queried: string[] = [];
  const lookup: Lookup = async (host) => {
    queried.push(host);
    const addresses = names[host];
    if (addresses === undefined) {
      throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' });
    }
    return addresses.map((address) => ({ address }));
  };
  return { lookup, queried };
}

const NAMED = { host: 'consul-server.consul.svc', port: 8501 };
const THREE = { [NAMED.host]: ['10.0.0.1', '10.0.0.2', '10.0.0.3'] };

test('a server is kept until it fails, and its name is not resolved again meanwhile', async () => {
  const { lookup, queried } = resolver(THREE);
  const servers = new ServerList([NAMED], lookup);
  const [first, atOnce] = await Promise.all([servers.current(), servers.current()]);
  const later = await servers.current();
  assert.deepEqual(first, { server: NAMED, ip: '10.0.0.1' });
  assert.ok(atOnce === first && later === first);
  assert.deepEqual(queried, [NAMED.host]);
});

test('a failed address is followed by the next one, once, even if two connections report it, or one reports it late', async () => {
  const servers = new ServerList([NAMED], resolver(THREE).lookup);
  const first = await servers.current();
  for (let report = 0; report < 2; report += 1) servers.failed(first);
  const second = await servers.current();
  servers.failed(first);
  assert.equal(second.ip, '10.0.0.2');
  assert.equal(await servers.current(), second);
});

test('after the last address the name is resolved again, so that servers may be replaced', async () => {
  const names: Record<string, readonly string[]> = { [NAMED.host]: ['10.0.0.1', '10.0.0.2'] };
  const { lookup, queried } = resolver(names);
  const servers = new ServerList([NAMED], lookup);
  for (let failure = 0; failure < 2; failure += 1) servers.failed(await servers.current());
  names[NAMED.host] = ['10.0.0.7'];
  assert.equal((await servers.current()).ip, '10.0.0.7');
  assert.equal(queried.length, 2);
});

test('if one of several names does not resolve that is no error', async () => {
  const [a, b] = [
    { host: 'a', port: 1 },
    { host: 'b', port: 2 },
  ];
  const servers = new ServerList([a, b], resolver({ b: ['10.0.0.2'] }).lookup);
  assert.deepEqual(await servers.current(), { server: b, ip: '10.0.0.2' });
});

test('if no name resolves it is the error of the resolver, and the names are resolved again the next time', async () => {
  const names: Record<string, readonly string[]> = {};
  const servers = new ServerList([NAMED], resolver(names).lookup);
  await assert.rejects(servers.current(), { code: 'ENOTFOUND' });
  names[NAMED.host] = ['10.0.0.1'];
  assert.equal((await servers.current()).ip, '10.0.0.1');
});

test('addresses and sockets are used as they are, in the order given, and then from the first again', async () => {
  const { lookup, queried } = resolver({});
  const [v6, socket] = [{ host: '::1', port: 1 }, { socketPath: '/run/consul.sock' }];
  const servers = new ServerList([v6, socket], lookup);

  for (const server of [v6, socket, v6]) {
    const chosen = await servers.current();
    assert.deepEqual(chosen, { server, ip: undefined });
    servers.failed(chosen);
  }

  assert.deepEqual(queried, []);
});
