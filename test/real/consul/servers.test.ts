import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Daemon } from '../../e2e/support/daemon.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import {
  type ClusterServer,
  type ConsulCluster,
  startConsulCluster,
} from '../../fixtures/servers/consul-cluster.ts';
import { contents, folderFor, recovered, startInto } from './support.ts';

const MOVED_WITHIN_MS = 5_000;

let cluster: ConsulCluster | undefined;
before(async () => {
  cluster = await startConsulCluster(3);
});
after(() => cluster?.stop());

test('of three servers one is asked; when it is killed, the next is within 5 s, without a write', async (t) => {
  const [first, second, third] = await byRank();
  const { daemon, folder } = await startReady(t, [first, second, third]);
  const published = contents(folder);
  const [asked, quiet] = [first.asked(), second.asked() + third.asked()];
  await sleep(2_500);
  assert.equal(second.asked() + third.asked(), quiet, 'no other server is asked without need');
  assert.ok(first.asked() > asked, 'the first is asked all along');
  const before = second.connections();

  await first.kill();
  await eventually('the next is asked', () => second.connections() > before, MOVED_WITHIN_MS);
  await recovered(daemon);
  await eventually('another has answered', () => second.asked() + third.asked() > quiet);
  assert.deepEqual(contents(folder), published);

  await first.start();
  const back = first.asked();
  await sleep(2_500);
  assert.equal(first.asked(), back, 'it stays where it is');
  assert.deepEqual(contents(folder), published);
});

test('when the one it asks is the leader and is killed, another answers after the election, without a write', async (t) => {
  const [second, third, leader] = await byRank();
  const { daemon, folder } = await startReady(t, [leader, second, third]);
  const published = contents(folder);
  const connections = (): number => second.connections() + third.connections();
  const [before, quiet] = [connections(), second.asked() + third.asked()];

  await leader.kill();
  await eventually('another is asked', () => connections() > before, MOVED_WITHIN_MS);
  await recovered(daemon);
  await eventually('another has answered', () => second.asked() + third.asked() > quiet);
  assert.deepEqual(contents(folder), published);

  await leader.start();
});

test('when all three are killed none is hammered, and when they come back it goes on, without a write', async (t) => {
  const servers = await byRank();
  const { daemon, folder } = await startReady(t, servers);
  const published = contents(folder);

  await Promise.all(servers.map((server) => server.kill()));
  await sleep(8_000);
  const failures = daemon.logs.filter(({ code }) => code === 'CONSUL_UNREACHABLE').length;
  // Two questions, each five at once and then one a second, were there no backoff.
  assert.ok(failures >= 2 && failures <= 20, `${failures} failures in 8 s`);
  assert.ok(daemon.running);

  await Promise.all(servers.map((server) => server.start()));
  // By now a wait may be as long as the backoff allows: a minute.
  await recovered(daemon, 75_000);
  assert.deepEqual(contents(folder), published);
});

async function byRank(): Promise<[ClusterServer, ClusterServer, ClusterServer]> {
  const [first, second, third] = (await cluster?.byRank()) ?? [];
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  return [first, second, third];
}

async function startReady(
  t: Parameters<typeof startInto>[0],
  servers: readonly ClusterServer[],
): Promise<{ daemon: Daemon; folder: string }> {
  const folder = folderFor(t);
  const daemon = startInto(t, folder, { CONSUL_ADDRESSES: servers.map(({ address }) => address).join(',') });
  await daemon.ready();
  return { daemon, folder };
}
