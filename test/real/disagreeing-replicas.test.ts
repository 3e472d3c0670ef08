import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { verify } from './openssl.ts';
import { SECRET, useWorld } from './world.ts';

const CA_SECRET = `${SECRET}-ca`;
/** Consul puts the new leaf off by up to 30 s, then signs it. */
const NEW_LEAF_WITHIN_MS = 55_000;
/** A lower index is believed after half a minute. */
const REMOVED_WITHIN_MS = 60_000;
/** A replica that undoes what it does not know does so at once. */
const SETTLED_MS = 5_000;
/** A query of an outage is sent again after a minute at most. */
const RETRIES_WITHIN_MS = 90_000;

const world = useWorld({ persistent: true }, async ({ kubectl, k8s }) => {
  await kubectl(['apply', '-k', `${k8s}/overlays/verify-upstream`]);
});

// A restored snapshot is the one way to have Consul remove a root within a test: it prunes old ones after days.
test('F1, F2, F4: a root that Consul removed goes once, though one of two replicas is cut off from Consul', async (t) => {
  const relay = await startRelay(t, world.consul.address);
  const environment = { ...(await world.environment()), _AMBASSADOR_VERIFY_UPSTREAM: 'true' };
  const connected = startDaemon(environment);
  const other = startDaemon({ ...environment, _CONSUL_PORT: String(relay.port) });
  t.after(() => Promise.all([connected.stop(), other.stop()]));
  await Promise.all([connected.ready(30_000), other.ready(30_000)]);
  const [oldRoots, snapshot] = [await world.read(CA_SECRET, 'tls.crt'), await takeSnapshot()];
  await world.consul.rotateRoot();
  await eventually('the new leaf', () => hasLeafOf('inactive-root'), NEW_LEAF_WITHIN_MS);
  const before = await writes();

  relay.cut();
  await restore(snapshot);
  // Its agent would go on answering the roots that it has in its cache.
  await world.consul.restart();
  const removed = async () => (await world.read(CA_SECRET, 'tls.crt')) === oldRoots;
  await eventually('the removed root is gone', removed, REMOVED_WITHIN_MS);
  const works = async () =>
    (await verify(await world.read(SECRET, 'tls.crt'), oldRoots)) === 'tls.crt: OK' &&
    (await world.read(SECRET, 'ca.crt')) === oldRoots;
  await eventually('a leaf of the root that is left', works, NEW_LEAF_WITHIN_MS);
  await sleep(SETTLED_MS);
  const restoredAt = Date.now();
  relay.restore();
  const hears = async () =>
    (await other.metric('consul_last_answer_timestamp_seconds', 'query="roots"')) > restoredAt / 1_000;
  await eventually(
    () => `the other hears of it, after ${other.stdout.slice(-3_000)}`,
    hears,
    RETRIES_WITHIN_MS,
  );
  await sleep(SETTLED_MS);

  const [ca, identity] = await writes();
  assert.equal(ca - before[0], 1, 'the roots that the gateway verifies its peers with: once');
  assert.ok(
    identity - before[1] <= 2,
    `the bundle and the leaf: at most twice, and not ${identity - before[1]} times`,
  );
  assert.equal(await removed(), true);
});

async function writes(): Promise<[ca: number, identity: number]> {
  const [ca, identity] = await Promise.all([
    world.writes('secrets', CA_SECRET),
    world.writes('secrets', SECRET),
  ]);
  const patches = (list: typeof ca) => list.filter(({ verb }) => verb !== 'create').length;
  return [patches(ca), patches(identity)];
}

async function hasLeafOf(reason: string): Promise<boolean> {
  const { metadata } = (await world.show('secret', SECRET)) ?? { metadata: { annotations: {} } };
  const record: Readonly<Record<string, string>> = metadata.annotations;
  const history = `${record['ambassador-consul-connector/write-reason']}\n${record['ambassador-consul-connector/write-history']}`;
  return history.includes(`${reason}: `);
}

function snapshotUrl(): string {
  const { host, port } = world.consul.address;
  return `http://${host}:${port}/v1/snapshot`;
}

async function takeSnapshot(): Promise<ArrayBuffer> {
  return (await fetch(snapshotUrl())).arrayBuffer();
}

async function restore(snapshot: ArrayBuffer): Promise<void> {
  const { status } = await fetch(snapshotUrl(), { method: 'PUT', body: snapshot });
  assert.equal(status, 200);
}

/** A way to Consul that can be cut: connections end, and none can be made. */
async function startRelay(t: TestContext, to: { readonly host: string; readonly port: number }) {
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((incoming) => {
    if (isCut) {
      incoming.destroy();
      return;
    }
    const outgoing = connect(to.port, to.host);
    for (const [socket, peer] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => peer.destroy());
      socket.pipe(peer);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const end = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  t.after(() => {
    end();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return {
    port: address.port,
    cut: () => {
      isCut = true;
      end();
    },
    restore: () => {
      isCut = false;
    },
  };
}
