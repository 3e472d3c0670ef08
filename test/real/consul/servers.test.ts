import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Daemon } from '../../e2e/support/daemon.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { temporary } from '../../e2e/support/temporary.ts';
import {
  type ClusterServer,
  type ConsulCluster,
  startConsulCluster,
} from '../../fixtures/servers/consul-cluster.ts';
import { contents, recovered, startInto } from './support.ts';

const MOVED_WITHIN_MS = 5_000;
/** Two queries of a second. */
const TWO_QUERIES_MS = 2_500;

let cluster: ConsulCluster | undefined;
before(async () => {
  cluster = await startConsulCluster(3);
});
after(() => cluster?.stop());

test('of three servers one is queried; when it is killed, the next is within 5 s, without a write', async (t) => {
  const [first, second, third] = await byRank();
  const { daemon, assertUnchanged } = await startReady(t, [first, second, third]);
  const [queries, others] = [first.asked(), second.asked() + third.asked()];
  await sleep(TWO_QUERIES_MS);
  assert.equal(second.asked() + third.asked(), others, 'no other server is queried');
  assert.ok(first.asked() > queries, 'the first still is');

  await assertMoves(daemon, first, second, third);
  assertUnchanged();

  await first.start();
  const back = first.asked();
  await sleep(TWO_QUERIES_MS);
  assert.equal(first.asked(), back, 'it does not move back');
  assertUnchanged();
});

test('when the server it queries is the leader and is killed, another answers after the election, without a write', async (t) => {
  const [second, third, leader] = await byRank();
  const { daemon, assertUnchanged } = await startReady(t, [leader, second, third]);

  await assertMoves(daemon, leader, second, third);
  assertUnchanged();

  await leader.start();
});

test('when all three are killed the backoff limits the queries, and it recovers when they come back, without a write', async (t) => {
  const servers = await byRank();
  const { daemon, assertUnchanged } = await startReady(t, servers);

  await Promise.all(servers.map((server) => server.kill()));
  await sleep(8_000);
  const failures = daemon.logs.filter(({ code }) => code === 'CONSUL_UNREACHABLE').length;
  // Without a backoff two queries would fail five times at once each, and then once a second.
  assert.ok(failures >= 2 && failures <= 20, `${failures} failures in 8 s`);
  assert.ok(daemon.running);

  await Promise.all(servers.map((server) => server.start()));
  // By now a wait may be as long as the backoff allows: a minute.
  await recovered(daemon, 75_000);
  assertUnchanged();
});

/** Kills a server: the daemon connects to another within 5 s, which then answers. */
async function assertMoves(
  daemon: Daemon,
  killed: ClusterServer,
  ...others: readonly ClusterServer[]
): Promise<void> {
  const sum = (of: (server: ClusterServer) => number) =>
    others.reduce((total, server) => total + of(server), 0);
  const connections = () => sum((server) => server.connections());
  const queries = () => sum((server) => server.asked());
  const before = { connections: connections(), queries: queries() };

  await killed.kill();

  await eventually('a connection to another', () => connections() > before.connections, MOVED_WITHIN_MS);
  await recovered(daemon);
  await eventually('an answer of another', () => queries() > before.queries);
}

async function byRank(): Promise<[ClusterServer, ClusterServer, ClusterServer]> {
  const [first, second, third] = (await cluster?.byRank()) ?? [];
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  return [first, second, third];
}

async function startReady(t: TestContext, servers: readonly ClusterServer[]) {
  const folder = temporary();
  const daemon = startInto(t, folder, { CONSUL_ADDRESSES: servers.map(({ address }) => address).join(',') });
  await daemon.ready();
  const published = contents(folder);
  return { daemon, assertUnchanged: () => assert.deepEqual(contents(folder), published) };
}
