import assert from 'node:assert/strict';
import { unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { temporary } from '../e2e/support/temporary.ts';
import { makeKubeconfig } from '../fixtures/servers/kubectl.ts';
import { verify } from './openssl.ts';
import { NAMESPACE, SECRET, SERVICE, useWorld } from './world.ts';

const DOWN_MS = 10_000;
const KILLED_MS = 30_000;
/** The backoff is at most a minute, and a start takes a while. */
const RECOVERED_WITHIN_MS = 75_000;

const world = useWorld();
const folder = temporary();
const tokenFile = join(folder, 'token');

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
  const daemon = await world.startReady(t);
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
  const daemon = await world.startReady(t);
  const before = await world.show('secret', SECRET);
  await world.consul.kill();
  await sleep(KILLED_MS);
  assert.deepEqual((await world.show('secret', SECRET))?.data, before?.data, 'the Secret stays meanwhile');
  const { status, text } = await daemon.get('/readyz');
  assert.equal(status, 200);
  assert.match(text, /^ok\n.*Consul at .* cannot be reached/);

  await world.consul.restart({ wipe: true });

  await eventually('the new trust domain', () => world.isPublished(), RECOVERED_WITHIN_MS);
  await verify(await world.read(SECRET, 'tls.crt'), await world.read(SECRET, 'ca.crt'));
});

test('28: ServiceAccount token file replaced, temporarily missing, no longer accepted (401): recovers without a restart', async (t) => {
  await writeToken();
  const daemon = await world.startReady(t, { KUBECONFIG: await kubeconfig() });

  // The tokens of a ServiceAccount become invalid with it, and those of the next one are different.
  await world.kubectl(['delete', 'serviceaccount', SERVICE]);
  await unlink(tokenFile);
  await world.kubectl(['delete', 'secret', SECRET]);
  // Open watches continue; a restart of the API server ends them.
  await world.kubernetes.stopApiServer();
  await world.kubernetes.startApiServer();
  const rejected = ['KUBERNETES_CONFIGURATION', 'KUBERNETES_UNAUTHORIZED'];
  await daemon.line(
    ({ msg, code }) => msg === 'watch failed, restarting' && rejected.includes(String(code)),
    RECOVERED_WITHIN_MS,
  );
  await world.kubectl(['create', 'serviceaccount', SERVICE]);
  await writeToken();

  await eventually('the Secret is back', () => world.show('secret', SECRET), RECOVERED_WITHIN_MS);
  await daemon.ready(RECOVERED_WITHIN_MS);
});

async function writeToken(): Promise<void> {
  await writeFile(tokenFile, await world.kubernetes.tokenFor(NAMESPACE, SERVICE));
}

/** A kubeconfig with a token file, as in a Pod. */
async function kubeconfig(): Promise<string> {
  const { url, caPem } = world.kubernetes;
  const config = JSON.parse(makeKubeconfig({ url, caPem, namespace: NAMESPACE, token: '' }));
  config.users[0].user = { tokenFile, 'token-file': tokenFile };
  const path = join(folder, 'kubeconfig');
  await writeFile(path, JSON.stringify(config));
  return path;
}

function assertRemedy({ logs }: Daemon, code: string): void {
  const line = logs.find((each) => each['code'] === code);
  assert.equal(typeof line?.['remedy'], 'string', JSON.stringify(logs));
}
