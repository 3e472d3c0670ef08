import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Daemon } from '../../e2e/support/daemon.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import {
  type ClusterServer,
  type ConsulCluster,
  startConsulCluster,
} from '../../fixtures/servers/consul-cluster.ts';
import { contents, recovered, startReady } from './support.ts';

const MOVED_WITHIN_MS = 5_000;
/** Two queries of a second. */
const TWO_QUERIES_MS = 2_500;

let cluster: ConsulCluster | undefined;
before(async () => {
  cluster = await startConsulCluster(3);
});
after(() => cluster?.stop());

for (const [role, index] of [
  ['a follower', 0],
  ['the leader', 2],
] as const)
  test(`of three servers only one is queried; when it is killed, and is ${role}, another one is queried within 5 s, without a write`, async (t) => {
    const servers = await byRank();
    const queried = servers[index];
    const others = servers.filter((server) => server !== queried);
    const { daemon, assertUnchanged } = await startWith(t, [queried, ...others]);
    // Consul may log the last query of an earlier daemon up to a second after its end.
    await sleep(TWO_QUERIES_MS);
    const before = { queried: queried.queries(), others: queriesTo(others) };
    await sleep(TWO_QUERIES_MS);
    assert.equal(queriesTo(others), before.others, 'no other server is queried');
    assert.ok(queried.queries() > before.queried, 'the first one is still queried');

    await assertMoves(daemon, queried, others);
    assertUnchanged();

    await queried.start();
    const back = queried.queries();
    await sleep(TWO_QUERIES_MS);
    assert.equal(queried.queries(), back, 'it does not move back');
    assertUnchanged();
  });

test('when all three are killed, the backoff limits the queries; when they are back, the connector recovers without a write', async (t) => {
  const servers = await byRank();
  const { daemon, assertUnchanged } = await startWith(t, servers);

  await Promise.all(servers.map((server) => server.kill()));
  await sleep(8_000);
  const failures = daemon.logs.filter(({ code }) => code === 'CONSUL_UNREACHABLE').length;
  // Without a backoff two queries would fail five times at once each, and then once a second.
  assert.ok(failures >= 2 && failures <= 20, `${failures} failures in 8 s`);
  assert.ok(daemon.running);

  await Promise.all(servers.map((server) => server.start()));
  // By now the backoff may be at its maximum, a minute.
  await recovered(daemon, 75_000);
  assertUnchanged();
});

/** Kills a server: the daemon connects to another one within 5 s, which then answers. */
async function assertMoves(
  daemon: Daemon,
  killed: ClusterServer,
  others: readonly ClusterServer[],
): Promise<void> {
  const connections = () => others.reduce((total, server) => total + server.connections(), 0);
  const before = { connections: connections(), queries: queriesTo(others) };

  await killed.kill();

  await eventually('another connection', () => connections() > before.connections, MOVED_WITHIN_MS);
  await recovered(daemon);
  await eventually('another answer', () => queriesTo(others) > before.queries);
}

/** The queries that these servers have answered. */
function queriesTo(servers: readonly ClusterServer[]): number {
  return servers.reduce((total, server) => total + server.queries(), 0);
}

async function byRank(): Promise<[ClusterServer, ClusterServer, ClusterServer]> {
  const [first, second, third] = (await cluster?.byRank()) ?? [];
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  return [first, second, third];
}

async function startWith(t: TestContext, servers: readonly ClusterServer[]) {
  const CONSUL_ADDRESSES = servers.map(({ address }) => address).join(',');
  const { daemon, folder, before } = await startReady(t, { CONSUL_ADDRESSES });
  return { daemon, assertUnchanged: () => assert.deepEqual(contents(folder), before) };
}
