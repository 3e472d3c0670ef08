import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeObject } from '../../../src/publish/kubernetes/api/object.ts';
import { keepClusterIp } from '../../../src/publish/kubernetes/drift.ts';
import { serviceManifest } from '../../../src/publish/manifests.ts';
import { SEED_NAMES } from './support.ts';

const manifest = serviceManifest(SEED_NAMES, 'getambassador.io/v2');

function serviceWith(clusterIP: string) {
  return decodeObject({ metadata: { name: 'service', resourceVersion: '1' }, spec: { clusterIP } });
}

for (const [what, current, clusterIP] of [
  ['that does not exist is made headless', undefined, 'None'],
  ['that is headless stays so', serviceWith('None'), 'None'],
  ['with an address keeps it, since the API server rejects a change', serviceWith('10.0.0.7'), undefined],
] as const) {
  test(`a Service ${what}`, () => {
    assert.equal(keepClusterIp(manifest, current).spec.clusterIP, clusterIP);
  });
}
