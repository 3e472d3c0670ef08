import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../e2e/support/eventually.ts';
import { startEmbeddedConsul } from '../fixtures/consul/embedded-consul.ts';
import { SECRET, useWorld } from './world.ts';

const MINUTE = 60_000;
/** Long enough for a write that should not happen to happen. */
const SETTLED_MS = 5_000;

const world = useWorld({ persistent: true });

async function version(): Promise<string> {
  const secret = await eventually('the Secret', () => world.show('secret', SECRET));
  return secret.metadata.resourceVersion;
}

test('a restart of the daemon writes nothing, nor does one of the agent with the same CA, which then issues another leaf', async (t) => {
  const first = await world.startDaemon(t);
  const published = await version();
  await first.stop();

  const daemon = await world.startReady(t);
  await sleep(SETTLED_MS);
  assert.equal(await version(), published);

  const before = await world.consul.leaf('ambassador');
  await world.consul.restart({ wipe: false });
  const after = await world.consul.leaf('ambassador');
  await daemon.line(({ code }) => code === 'CONSUL_UNREACHABLE');
  await sleep(SETTLED_MS);
  assert.notEqual(after.SerialNumber, before.SerialNumber);
  assert.equal(await version(), published);
});

test('25: Two daemons at once for a minute write nothing, and one Secret between them when there was none', async (t) => {
  await world.kubectl(['delete', 'secret', SECRET]);
  const before = (await world.writes('secrets', SECRET)).length;
  await Promise.all([world.startReady(t), world.startReady(t)]);
  const published = await version();
  await sleep(MINUTE);

  assert.equal(await version(), published);
  assert.ok((await world.writes('secrets', SECRET)).length - before <= 1);
});

test('19: a leaf that changes every second for a minute: no write after the first (consul #6507)', async (t) => {
  const consul = await startEmbeddedConsul();
  t.after(() => consul.close());
  const daemon = await world.startDaemon(t, { _CONSUL_PORT: String(consul.port) });
  // Another Consul is another trust domain, so its first leaf replaces the published one.
  await daemon.line('published the identity');
  const published = await version();
  for (let second = 0; second < 60; second += 1) {
    await consul.renewLeaf('ambassador');
    await sleep(1_000);
  }

  assert.equal(await version(), published);
  const queries = consul.requests.filter(({ target }) => target === 'leaf');
  assert.ok(queries.length > 30, 'the daemon received the reissued leaves');
});
