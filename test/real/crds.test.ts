import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon } from '../e2e/support/daemon.ts';
import { addKind, crdName } from '../fixtures/servers/custom-kinds.ts';
import { SERVICE, useWorld } from './world.ts';

const TLS_CONTEXT = { group: 'getambassador.io', kind: 'TLSContext' };
/** The versions of the TLSContext that each generation of Ambassador installs. */
const ERAS = [
  ['0.7x and 0.8x', ['v1']],
  ['2.x and 3.x', ['v2', 'v3alpha1']],
  ['4.x', ['v3alpha1']],
] as const;
/** Longer than an unwanted write takes. */
const SETTLED_MS = 1_500;

const world = useWorld();

for (const [era, versions] of ERAS)
  test(`E1: with the CRDs of ${era} the annotation is v2: before they are there, when they come, and when they go`, async () => {
    await removeService();
    await whileRunning(async () => {
      await install(versions);
      await remove();
      await install(versions);
    });
    await whileRunning(async () => undefined);
    await removeService();
    await whileRunning(remove);
  });

test('E1: with discovery forbidden the annotation is v2', async () => {
  await removeService();
  await install(['v3alpha1']);
  const bindings = ['system:discovery', 'system:public-info-viewer', 'system:basic-user'];
  await world.kubectl(['delete', 'clusterrolebinding', ...bindings]);
  await whileRunning(remove);
});

/** Does `work` while a daemon runs, which has written a TLSContext of v2 and must not write it again. */
async function whileRunning(work: () => Promise<unknown>): Promise<void> {
  const daemon = startDaemon(await world.environment());
  try {
    await daemon.ready();
    await assertWrittenOnce(work);
  } finally {
    await daemon.stop();
  }
}

async function removeService(): Promise<void> {
  await world.kubectl(['delete', '--ignore-not-found', 'service', SERVICE]);
}

/** The Service has a TLSContext of v2, and `work` does not change its resourceVersion. */
async function assertWrittenOnce(work: () => Promise<unknown>): Promise<void> {
  const before = await world.show('service', SERVICE);
  assert.match(
    before?.metadata.annotations['getambassador.io/config'] ?? '',
    /^apiVersion: getambassador\.io\/v2\nkind: TLSContext$/m,
  );
  await work();
  await sleep(SETTLED_MS);
  const after = await world.show('service', SERVICE);
  assert.equal(after?.metadata.resourceVersion, before?.metadata.resourceVersion);
}

async function install(versions: readonly string[]): Promise<void> {
  await addKind(world.kubectl, { ...TLS_CONTEXT, versions });
}

async function remove(): Promise<void> {
  await world.kubectl(['delete', 'crd', crdName(TLS_CONTEXT)]);
}
