import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRoot } from '../fixtures/certificates/factory.ts';
import { makeBed, NAMESPACE, SECRET, SERVICE } from './support/bed.ts';

const CONFIG = 'getambassador.io/config';
const OUR_CONTEXT = '---\nkind: TLSContext\nname: ambassador-consul\nsecret: ambassador-consul-connect\n';
const MAPPING = '---\nkind: Mapping\nname: shop\nprefix: /shop/\n';
const PORTS = [{ name: 'https', port: 443, targetPort: 8443 }];
const HAS_CERTIFICATE = /it contains the certificate CN=www\.example\.com, not an identity signed by Consul/;
const HOLDS_MAPPING = /the annotation getambassador\.io\/config holds Mapping shop/;

test('K4, K5: a Secret and a Service of another writer are left unchanged, unready with the reason, until they are deleted', async (t) => {
  const bed = await makeBed(t);
  const ca = await createRoot({ name: 'Public CA' });
  // As a public CA signs it: without a SPIFFE ID.
  const { certPem, keyPem } = await ca.issueLeaf({
    service: 'www.example.com',
    uris: [],
    dnsNames: ['www.example.com'],
  });
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const putService = (annotations: Record<string, string>, spec: object) =>
    bed.cluster.put({
      kind: 'Service',
      metadata: { name: SERVICE, namespace: NAMESPACE, annotations },
      spec: { type: 'LoadBalancer', ports: PORTS, ...spec },
    });
  bed.cluster.put({
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name: SECRET, namespace: NAMESPACE },
    data: { 'tls.crt': base64(certPem), 'tls.key': base64(keyPem) },
  });
  putService({ [CONFIG]: OUR_CONTEXT + MAPPING }, {});
  const [secret, service] = [bed.secret(), bed.service()];
  const daemon = bed.start();
  const assertRefused = async (code: string, variable: string, reason: RegExp): Promise<void> => {
    const line = await daemon.line((each) => each['code'] === code && reason.test(String(each['error'])));
    assert.match(String(line['remedy']), new RegExp(`else set ${variable} to another name`));
    await daemon.unready(reason);
  };

  await assertRefused('SECRET_NOT_ADOPTABLE', '_AMBASSADOR_TLS_SECRET_NAME', HAS_CERTIFICATE);
  const [check, render] = [bed.start({}, ['check']), bed.start({}, ['render'])];
  assert.equal((await check.exited).code, 1);
  assert.match(check.stdout, /FAIL +the Secret/);
  assert.match(check.stdout, /FAIL +the Service/);
  assert.match(check.stdout, HOLDS_MAPPING);
  assert.equal((await render.exited).code, 1);
  assert.match(render.stderr, HAS_CERTIFICATE);
  assert.deepEqual([bed.secret(), bed.service()], [secret, service]);

  bed.cluster.remove('Secret', NAMESPACE, SECRET);
  await assertRefused('SERVICE_NOT_ADOPTABLE', '_AMBASSADOR_SERVICE_NAME', HOLDS_MAPPING);
  const again = bed.start({}, ['render']);
  assert.equal((await again.exited).code, 1);
  assert.match(again.stderr, HOLDS_MAPPING);
  assert.deepEqual(bed.service(), service);

  putService({}, { selector: { app: 'ambassador' } });
  const selecting = bed.service();
  await assertRefused('SERVICE_NOT_ADOPTABLE', '_AMBASSADOR_SERVICE_NAME', /it selects app=ambassador/);
  assert.deepEqual(bed.service(), selecting);

  bed.cluster.remove('Service', NAMESPACE, SERVICE);
  await daemon.ready();
});
