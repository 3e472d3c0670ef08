import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { startDaemon } from '../e2e/support/daemon.ts';
import { assertNoSecrets } from '../e2e/support/secrets.ts';
import { CA_SECRET, SECRET, SERVICE, type Shown, useWorld } from './world.ts';

const VERIFYING = { _AMBASSADOR_VERIFY_UPSTREAM: 'true' };

const world = useWorld({}, async ({ kubectl, k8s }) => {
  await kubectl(['apply', '-k', `${k8s}/overlays/verify-upstream`]);
});

test('the API server accepts the output, redacted or not, before and after the daemon publishes', async () => {
  for (const when of ['before', 'after']) {
    const redacted = await render();
    assertNoSecrets(redacted, []);
    for (const text of [redacted, await render('--show-key')]) {
      const dryRun = ['apply', '--dry-run=server', '-o', 'name', '-f', '-'];
      const accepted = (await world.kubectl(dryRun, text)).trim().split('\n');
      assert.deepEqual(accepted, [`secret/${CA_SECRET}`, `secret/${SECRET}`, `service/${SERVICE}`]);
    }
    if (when === 'before') await publish();
  }
});

test('with --show-key the output is what the daemon publishes', async () => {
  await world.deletePublished();
  await world.kubectl(['delete', '--ignore-not-found', 'secret', CA_SECRET]);
  const promised = await manifests();

  await publish();

  const published = [
    await world.show('secret', CA_SECRET),
    await world.show('secret', SECRET),
    await world.show('service', SERVICE),
  ];
  assert.deepEqual(
    published.map((object) => object?.data),
    promised.map(({ data }) => data),
  );
  assert.deepEqual(published[2]?.metadata.annotations, promised[2]?.metadata.annotations);
  // After the daemon has published, time and reason are the same too.
  assert.deepEqual(
    (await manifests()).map(({ metadata }) => metadata.annotations),
    published.map((object) => object?.metadata.annotations),
  );
});

async function render(...flags: readonly string[]): Promise<string> {
  const command = startDaemon({ ...(await world.environment()), ...VERIFYING }, ['render', ...flags]);
  assert.equal((await command.exited).code, 0, command.stderr);
  assert.equal(command.stderr, '');
  return command.stdout;
}

async function manifests(): Promise<Shown[]> {
  return parseAllDocuments(await render('--show-key')).map((document): Shown => document.toJS());
}

async function publish(): Promise<void> {
  const once = startDaemon({ ...(await world.environment()), ...VERIFYING }, ['once']);
  assert.equal((await once.exited).code, 0, once.stdout);
}
