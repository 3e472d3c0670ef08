import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { startEmbeddedConsul } from '../fixtures/consul/embedded-consul.ts';
import { SECRET, useWorld } from './world.ts';

const MINUTE = 60_000;

const world = useWorld({ persistent: true });

async function published(): Promise<string> {
  const secret = await eventually('the Secret', () => world.show('secret', SECRET), 10_000);
  return secret.metadata.resourceVersion;
}

test('a restart of the daemon writes nothing', async () => {
  const environment = await world.environment();
  const first = startDaemon(environment);
  const version = await published();
  await first.stop();

  const second = startDaemon(environment);
  await second.ready(10_000);
  await sleep(2_000);
  await second.stop();

  assert.equal(await published(), version);
});

test('a restart of the agent with the same CA writes nothing, though the agent hands out another leaf', async () => {
  const daemon = startDaemon(await world.environment());
  try {
    await daemon.ready();
    const version = await published();
    const before = await world.consul.leaf('ambassador');

    await world.consul.restart({ wipe: false });
    const after = await world.consul.leaf('ambassador');
    await eventually(
      'asked again',
      () => daemon.logs.some(({ code }) => code === 'CONSUL_UNREACHABLE'),
      10_000,
    );
    await sleep(5_000);

    assert.notEqual(after.SerialNumber, before.SerialNumber);
    assert.equal(await published(), version);
  } finally {
    await daemon.stop();
  }
});

test('25: Two daemons at once for a minute write nothing, and one Secret between them when there was none', async () => {
  await world.kubectl(['delete', 'secret', SECRET]);
  const environment = await world.environment();
  const daemons = await Promise.all([startDaemon(environment), startDaemon(environment)]);
  try {
    const before = (await world.writes('secrets', SECRET)).length;
    await Promise.all(daemons.map((daemon) => daemon.ready()));
    const version = await published();
    await sleep(MINUTE);

    assert.equal(await published(), version);
    assert.ok((await world.writes('secrets', SECRET)).length - before <= 1);
  } finally {
    await Promise.all(daemons.map((daemon) => daemon.stop()));
  }
});

test('19: a leaf that changes every second for a minute: no write after the first (consul #6507)', async () => {
  const consul = await startEmbeddedConsul();
  const environment = { ...(await world.environment()), _CONSUL_PORT: String(consul.port) };
  const daemon = startDaemon(environment);
  try {
    // Another Consul is another trust domain, so its first leaf replaces what the tests before this one published.
    await eventually(
      'the first leaf',
      () => daemon.logs.some(({ msg }) => msg === 'published the identity'),
      10_000,
    );
    const version = await published();
    for (let second = 0; second < 60; second += 1) {
      await consul.renewLeaf('ambassador');
      await sleep(1_000);
    }

    assert.equal(await published(), version);
    assert.ok(
      consul.requests.filter(({ target }) => target === 'leaf').length > 30,
      'the daemon received the reissued leaves',
    );
  } finally {
    await daemon.stop();
    await consul.close();
  }
});
