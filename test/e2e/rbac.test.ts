import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeBed } from './support/bed.ts';

test('27: API discovery that is forbidden: the Service is written for every version of Ambassador, and the log has the remedy', async (t) => {
  const bed = await makeBed(t, { cluster: { groups: ['getambassador.io/v2'] } });
  bed.cluster.deny({ path: '/apis/getambassador.io', verb: 'get' });

  const daemon = await bed.startReady();

  const { remedy, apiVersion } = await daemon.line(
    'API discovery failed, using the default TLSContext apiVersion',
  );
  assert.match(String(remedy), /system:discovery .* or set _AMBASSADOR_API_VERSION/);
  assert.equal(apiVersion, 'ambassador/v1');
  const annotation = bed.service()?.metadata.annotations?.['getambassador.io/config'];
  assert.match(annotation ?? '', /^apiVersion: ambassador\/v1$/m);
});
