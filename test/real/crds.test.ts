import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { addKind, crdName } from '../fixtures/servers/custom-kinds.ts';
import { CONFIG, SERVICE, useWorld } from './world.ts';

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
  test(`E1: with the CRDs of ${era} the annotation is v2: before they are there, when they come, and when they go`, async (t) => {
    await removeService();
    await whileRunning(t, async () => {
      await install(versions);
      await remove();
      await install(versions);
    });
    await whileRunning(t, async () => undefined);
    await removeService();
    await whileRunning(t, remove);
  });

test('E1: with discovery forbidden the annotation is v2', async (t) => {
  await removeService();
  await install(['v3alpha1']);
  const bindings = ['system:discovery', 'system:public-info-viewer', 'system:basic-user'];
  await world.kubectl(['delete', 'clusterrolebinding', ...bindings]);
  await whileRunning(t, remove);
});

/** Does `work` while a daemon runs that has written a TLSContext of v2, and must not write it again. */
async function whileRunning(t: TestContext, work: () => Promise<unknown>): Promise<void> {
  const daemon = await world.startDaemon(t);
  await daemon.ready();
  const before = await world.show('service', SERVICE);
  const v2 = /^apiVersion: getambassador\.io\/v2\nkind: TLSContext$/m;
  assert.match(before?.metadata.annotations[CONFIG] ?? '', v2);
  await work();
  await sleep(SETTLED_MS);
  const after = await world.show('service', SERVICE);
  assert.equal(after?.metadata.resourceVersion, before?.metadata.resourceVersion);
  await daemon.stop();
}

function removeService(): Promise<string> {
  return world.kubectl(['delete', '--ignore-not-found', 'service', SERVICE]);
}

function install(versions: readonly string[]): Promise<void> {
  return addKind(world.kubectl, { ...TLS_CONTEXT, versions });
}

function remove(): Promise<string> {
  return world.kubectl(['delete', 'crd', crdName(TLS_CONTEXT)]);
}
