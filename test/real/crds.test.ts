import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { addKind, crdName } from '../fixtures/servers/custom-kinds.ts';
import { CONFIG, SERVICE, useWorld } from './world.ts';

const TLS_CONTEXT = { group: 'getambassador.io', kind: 'TLSContext' };
/** Longer than an unwanted write takes. */
const SETTLED_MS = 1_500;

const world = useWorld();

// The versions of the TLSContext that each generation of Ambassador installs.
for (const [generation, versions] of [
  ['0.7x and 0.8x', ['v1']],
  ['2.x and 3.x', ['v2', 'v3alpha1']],
  ['4.x', ['v3alpha1']],
] as const)
  test(`E1: with the CRDs of ${generation} the annotation is v2, and is not written again when they are removed and installed`, (t) =>
    assertVersion(t, versions));

test('E1: with discovery forbidden the annotation is v2', async (t) => {
  const bindings = ['system:discovery', 'system:public-info-viewer', 'system:basic-user'];
  await world.kubectl(['delete', 'clusterrolebinding', ...bindings]);
  await assertVersion(t, ['v3alpha1']);
});

async function assertVersion(t: TestContext, versions: readonly string[]): Promise<void> {
  const service = async () => (await world.show('service', SERVICE))?.metadata;
  await world.deletePublished();
  await addKind(world.kubectl, { ...TLS_CONTEXT, versions });
  await world.startReady(t);
  const before = await service();
  assert.match(before?.annotations[CONFIG] ?? '', /^apiVersion: getambassador\.io\/v2\nkind: TLSContext$/m);

  await world.kubectl(['delete', 'crd', crdName(TLS_CONTEXT)]);
  await addKind(world.kubectl, { ...TLS_CONTEXT, versions });
  await sleep(SETTLED_MS);

  assert.equal((await service())?.resourceVersion, before?.resourceVersion);
  await world.kubectl(['delete', 'crd', crdName(TLS_CONTEXT)]);
}
