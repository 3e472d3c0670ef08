import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorOfTransport } from '../../../src/publish/kubernetes/api/errors.ts';

for (const code of [
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])
  test(`K13: ${code}: the remedy names the CA, not the network`, () => {
    const { remedy } = errorOfTransport(Object.assign(new Error('no'), { code }), 'https://10.0.0.1');
    assert.match(remedy ?? '', /not signed by the CA of the kubeconfig or the ServiceAccount/);
  });

test('K13: the remedy for a refused connection does not name the CA', () => {
  const error = Object.assign(new Error('no'), { code: 'ECONNREFUSED' });
  assert.match(errorOfTransport(error, 'https://10.0.0.1').remedy ?? '', /check that the API server runs/);
});
