import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { verify } from './openssl.ts';
import { SECRET, useWorld } from './world.ts';

const DOWN_MS = 10_000;
const KILLED_MS = 30_000;
const START_WITHIN_MS = 10_000;
/** The backoff is at most a minute, and a start takes a while. */
const RECOVERED_WITHIN_MS = 75_000;

const world = useWorld();

test('a daemon that starts before Consul publishes when Consul comes, and never exits', async () => {
  await world.consul.kill();
  const daemon = startDaemon(await world.environment());
  try {
    await sleep(DOWN_MS);
    assert.equal(await world.show('secret', SECRET), undefined);
    assert.ok(
      daemon.logs.some(({ remedy }) => /nothing listens there: start Consul/.test(String(remedy))),
      'the log has a remedy',
    );

    await world.consul.restart();

    await eventually('the Secret', () => world.show('secret', SECRET), RECOVERED_WITHIN_MS);
    assert.ok(daemon.running);
  } finally {
    await daemon.stop();
  }
});

test('23: A daemon that starts before the API server publishes when it comes, and never exits', async () => {
  await world.kubectl(['delete', 'secret', SECRET]);
  const environment = await world.environment();
  await world.kubernetes.stopApiServer();
  const daemon = startDaemon(environment);
  try {
    await sleep(DOWN_MS);
    assert.ok(daemon.logs.some(({ code }) => code === 'KUBERNETES_UNREACHABLE'));

    await world.kubernetes.startApiServer();

    await eventually('the Secret', () => world.show('secret', SECRET), RECOVERED_WITHIN_MS);
    assert.ok(daemon.running);
  } finally {
    await daemon.stop();
  }
});

test('23: API server down for 30 s while running: recovers; a change that came meanwhile is published', async () => {
  const daemon = startDaemon(await world.environment());
  try {
    await daemon.ready();
    const before = await world.read(SECRET, 'ca.crt');
    await world.kubernetes.stopApiServer();
    await world.consul.rotateRoot();
    await sleep(KILLED_MS);
    assert.ok(daemon.running);
    assert.ok(
      daemon.logs.some(({ code, remedy }) => code === 'KUBERNETES_UNREACHABLE' && remedy !== undefined),
    );

    await world.kubernetes.startApiServer();

    const isNew = async () => (await world.read(SECRET, 'ca.crt')) !== before;
    await eventually('the new root', isNew, RECOVERED_WITHIN_MS);
  } finally {
    await daemon.stop();
  }
});

test('21: real Consul killed for 30 s and started again with an empty data directory: recovers, publishes', async () => {
  const daemon = startDaemon(await world.environment());
  try {
    await daemon.ready(START_WITHIN_MS);
    const before = await world.show('secret', SECRET);
    await world.consul.kill();
    await sleep(KILLED_MS);
    assert.deepEqual((await world.show('secret', SECRET))?.data, before?.data, 'the Secret stays meanwhile');
    assert.equal((await daemon.get('/readyz')).status, 200);

    await world.consul.restart({ wipe: true });
    const { TrustDomain } = await world.consul.roots();

    await eventually(
      'the new trust domain',
      async () => {
        const secret = await world.show('secret', SECRET);
        return secret?.metadata.annotations['ambassador-consul-connector/trust-domain'] === TrustDomain;
      },
      RECOVERED_WITHIN_MS,
    );
    const [tlsCrt, caCrt] = await Promise.all([world.read(SECRET, 'tls.crt'), world.read(SECRET, 'ca.crt')]);
    assert.equal(await verify(tlsCrt, caCrt), 'tls.crt: OK');
  } finally {
    await daemon.stop();
  }
});
