import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../e2e/support/eventually.ts';
import { forward } from '../fixtures/servers/forward.ts';
import { listen } from './listen.ts';
import { verify } from './openssl.ts';
import { CA_SECRET, SECRET, SERVICE, useWorld } from './world.ts';

/** A replica that undoes a change does so at once. */
const SETTLED_MS = 5_000;
/** A failed query is sent again within a minute. */
const RETRIES_WITHIN_MS = 90_000;

const world = useWorld({ persistent: true }, async ({ kubectl, k8s }) => {
  await kubectl(['apply', '-k', `${k8s}/overlays/verify-upstream`]);
});

// Only a restored snapshot makes Consul remove a root within a test: it prunes old ones after days.
test('F1, F2, F4: a root that Consul removed is removed once, although one of two replicas is cut off from Consul', async (t) => {
  const relay = await startRelay(t);
  const verifying = { _AMBASSADOR_VERIFY_UPSTREAM: 'true' };
  const connected = await world.startDaemon(t, verifying);
  const other = await world.startDaemon(t, { ...verifying, _CONSUL_PORT: String(relay.port) });
  await Promise.all([connected.ready(), other.ready()]);
  const oldRoots = await world.read(CA_SECRET, 'tls.crt');
  const snapshotUrl = `${world.consul.url}/v1/snapshot`;
  const snapshot = await (await fetch(snapshotUrl)).arrayBuffer();
  await world.consul.rotateRoot();
  await eventually('the new leaf', hasNewLeaf);
  const before = { ca: await countPatches(CA_SECRET), identity: await countPatches(SECRET) };

  relay.cut();
  assert.equal((await fetch(snapshotUrl, { method: 'PUT', body: snapshot })).status, 200);
  // Its agent would keep answering with the roots in its cache.
  await world.consul.restart();
  const isRemoved = async () => (await world.read(CA_SECRET, 'tls.crt')) === oldRoots;
  // A lower index is accepted after half a minute.
  await eventually('the removed root is gone', isRemoved);
  const works = async () => {
    if ((await world.read(SECRET, 'ca.crt')) !== oldRoots) return false;
    const verified = verify(await world.read(SECRET, 'tls.crt'), oldRoots);
    return verified.then(() => true).catch(() => false);
  };
  await eventually('a leaf of the remaining root', works);
  await sleep(SETTLED_MS);
  const restoredAt = Date.now();
  relay.restore();
  const isAnswered = async () =>
    (await other.metric('consul_last_answer_timestamp_seconds', 'query="roots"')) > restoredAt / 1_000;
  await eventually(
    () => `the other replica gets an answer, after ${other.stdout.slice(-3_000)}`,
    isAnswered,
    RETRIES_WITHIN_MS,
  );
  await sleep(SETTLED_MS);

  const ca = (await countPatches(CA_SECRET)) - before.ca;
  assert.equal(ca, 1, 'the roots with which the gateway verifies its peers: once');
  const identity = (await countPatches(SECRET)) - before.identity;
  assert.ok(identity <= 2, `the bundle and the leaf: at most twice, and not ${identity} times`);
  assert.equal(await isRemoved(), true);
});

async function countPatches(secret: string): Promise<number> {
  return (await world.writes('secrets', secret)).filter(({ verb }) => verb !== 'create').length;
}

async function hasNewLeaf(): Promise<boolean> {
  const { annotations = {} } = (await world.show('secret', SECRET))?.metadata ?? {};
  return ['write-reason', 'write-history'].some((name) =>
    annotations[`${SERVICE}/${name}`]?.includes('inactive-root: '),
  );
}

/** A relay to Consul that can be cut: connections end, and new ones fail. */
async function startRelay(t: TestContext) {
  let isCut = false;
  const server = createServer((request, response) => {
    if (isCut) request.socket.destroy();
    else forward(request, response, new URL(`${world.consul.url}${request.url}`));
  });
  return {
    port: await listen(t, server),
    cut: () => {
      isCut = true;
      server.closeAllConnections();
    },
    restore: () => {
      isCut = false;
    },
  };
}
