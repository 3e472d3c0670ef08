import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { verify } from './openssl.ts';
import { SECRET, useWorld } from './world.ts';

const DOWN_MS = 10_000;
const KILLED_MS = 30_000;
/** The backoff is at most a minute, and a start takes a while. */
const RECOVERED_WITHIN_MS = 75_000;

const world = useWorld();

for (const [title, code, stop, start] of [
  [
    'A daemon that starts before Consul publishes when Consul comes, and never exits',
    'CONSUL_UNREACHABLE',
    () => world.consul.kill(),
    () => world.consul.restart(),
  ],
  [
    '23: A daemon that starts before the API server publishes when it comes, and never exits',
    'KUBERNETES_UNREACHABLE',
    () => world.kubernetes.stopApiServer(),
    () => world.kubernetes.startApiServer(),
  ],
] as const)
  test(title, async (t) => {
    await world.deletePublished();
    const environment = await world.environment();
    await stop();
    const daemon = startDaemon(environment);
    t.after(() => daemon.stop());
    await sleep(DOWN_MS);
    assertRemedy(daemon, code);

    await start();

    await eventually('the Secret', () => world.show('secret', SECRET), RECOVERED_WITHIN_MS);
    assert.ok(daemon.running);
  });

test('23: API server down for 30 s while running: recovers; a change in the meantime is published', async (t) => {
  const daemon = await world.startDaemon(t);
  await daemon.ready();
  const before = await world.read(SECRET, 'ca.crt');
  await world.kubernetes.stopApiServer();
  await world.consul.rotateRoot();
  await sleep(KILLED_MS);
  assert.ok(daemon.running);
  assertRemedy(daemon, 'KUBERNETES_UNREACHABLE');

  await world.kubernetes.startApiServer();

  const isNew = async () => (await world.read(SECRET, 'ca.crt')) !== before;
  await eventually('the new root', isNew, RECOVERED_WITHIN_MS);
});

test('21: real Consul killed for 30 s and started again with an empty data directory: recovers, publishes', async (t) => {
  const daemon = await world.startDaemon(t);
  await daemon.ready();
  const before = await world.show('secret', SECRET);
  await world.consul.kill();
  await sleep(KILLED_MS);
  assert.deepEqual((await world.show('secret', SECRET))?.data, before?.data, 'the Secret stays meanwhile');
  assert.equal((await daemon.get('/readyz')).status, 200);

  await world.consul.restart({ wipe: true });

  await eventually('the new trust domain', () => world.isPublished(), RECOVERED_WITHIN_MS);
  await verify(await world.read(SECRET, 'tls.crt'), await world.read(SECRET, 'ca.crt'));
});

function assertRemedy({ logs }: Daemon, code: string): void {
  const line = logs.find((each) => each['code'] === code);
  assert.equal(typeof line?.['remedy'], 'string', JSON.stringify(logs));
}
