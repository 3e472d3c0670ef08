import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRoot } from '../fixtures/certificates/factory.ts';
import { type Bed, makeBed, NAMESPACE, SECRET, SERVICE } from './support/bed.ts';

const CONFIG = 'getambassador.io/config';
const MAPPING = `---
apiVersion: getambassador.io/v2
kind: Mapping
name: shop
prefix: /shop/
service: shop
`;
const TLS_CONTEXT = `---
apiVersion: ambassador/v1
kind: TLSContext
name: ambassador-consul
hosts: []
secret: ambassador-consul-connect
`;
const SELECTOR = { app: 'ambassador' };
const PORTS = [{ name: 'https', port: 443, targetPort: 8443 }];

function putService(bed: Bed, annotations: Record<string, string>, spec: object): void {
  bed.cluster.put({
    kind: 'Service',
    metadata: { name: SERVICE, namespace: NAMESPACE, annotations },
    spec: { ports: PORTS, ...spec },
  });
}

describe('K4: a Service that another writer made', { concurrency: 2 }, () => {
  for (const [what, annotations, spec, reason] of [
    [
      'with a Mapping',
      { [CONFIG]: MAPPING },
      { type: 'LoadBalancer', selector: SELECTOR },
      /the annotation getambassador\.io\/config holds Mapping shop/,
    ],
    [
      'with a Mapping beside our TLSContext',
      { [CONFIG]: TLS_CONTEXT + MAPPING },
      {},
      /the annotation getambassador\.io\/config holds Mapping shop/,
    ],
    [
      'with a TLSContext of its own',
      { [CONFIG]: '---\nkind: TLSContext\nname: www\nsecret: www\n' },
      {},
      /the annotation getambassador\.io\/config holds TLSContext www/,
    ],
    ['with a selector', {}, { type: 'LoadBalancer', selector: SELECTOR }, /it selects app=ambassador/],
  ] satisfies [string, Record<string, string>, object, RegExp][]) {
    test(`${what} is left as it is, unready with the reason; check FAILs, render refuses`, async (t) => {
      const bed = await makeBed(t);
      putService(bed, annotations, spec);
      const before = bed.service();
      const daemon = bed.start();

      const line = await daemon.line(({ code }) => code === 'SERVICE_NOT_ADOPTABLE');

      assert.match(String(line['error']), reason);
      assert.match(String(line['remedy']), /else set _AMBASSADOR_SERVICE_NAME to another name/);
      await daemon.unready(reason);
      assert.deepEqual(bed.service(), before);
      const check = bed.start({}, ['check']);
      assert.equal((await check.exited).code, 1);
      assert.match(check.stdout, /FAIL +the Service/);
      assert.match(check.stdout, reason);
      const render = bed.start({}, ['render']);
      assert.equal((await render.exited).code, 1);
      assert.match(render.stderr, reason);
      bed.cluster.remove('Service', NAMESPACE, SERVICE);
      await daemon.ready();
    });
  }

  for (const [what, annotations, spec] of [
    ['of the old program', { [CONFIG]: TLS_CONTEXT }, { selector: SELECTOR }],
    ['by hand, without a selector', {}, {}],
  ] satisfies [string, Record<string, string>, object][]) {
    test(`${what} is adopted`, async (t) => {
      const bed = await makeBed(t);
      putService(bed, annotations, spec);

      const daemon = await bed.startReady();

      await daemon.line(({ object }) => object === `services ${NAMESPACE}/${SERVICE}`);
      assert.match(bed.service()?.metadata.annotations?.[CONFIG] ?? '', /getambassador\.io\/v2/);
    });
  }
});

describe('K5: a Secret of another writer', { concurrency: 2 }, () => {
  test('that holds a public certificate is left as it is, unready with the reason; check FAILs', async (t) => {
    const bed = await makeBed(t);
    const { certPem, keyPem } = await publicCertificate();
    bed.cluster.put({
      kind: 'Secret',
      type: 'kubernetes.io/tls',
      metadata: { name: SECRET, namespace: NAMESPACE },
      data: { 'tls.crt': base64(certPem), 'tls.key': base64(keyPem) },
    });
    const before = bed.secret();
    const daemon = bed.start();

    const line = await daemon.line(({ code }) => code === 'SECRET_NOT_ADOPTABLE');

    const reason = /it holds the certificate CN=www\.example\.com, and not an identity that Consul signed/;
    assert.match(String(line['error']), reason);
    assert.match(String(line['remedy']), /else set _AMBASSADOR_TLS_SECRET_NAME to another name/);
    await daemon.unready(reason);
    assert.deepEqual(bed.secret(), before);
    const check = bed.start({}, ['check']);
    assert.equal((await check.exited).code, 1);
    assert.match(check.stdout, /FAIL +the Secret/);
  });

  test('that holds an identity of a Consul CA is adopted', async (t) => {
    const bed = await makeBed(t);
    const { keyPem, chainPem } = (await bed.consul.leaf('other')).issued;
    bed.cluster.put({
      kind: 'Secret',
      type: 'kubernetes.io/tls',
      metadata: { name: SECRET, namespace: NAMESPACE },
      data: { 'tls.crt': base64(chainPem), 'tls.key': base64(keyPem) },
    });

    const daemon = await bed.startReady();

    await daemon.line('adopted an existing object');
  });

  test('where the roots belong that holds a certificate of a server is left as it is', async (t) => {
    const bed = await makeBed(t);
    const { certPem } = await publicCertificate();
    const name = `${SECRET}-ca`;
    const metadata = { name, namespace: NAMESPACE };
    bed.cluster.put({ kind: 'Secret', type: 'Opaque', metadata, data: { 'tls.crt': base64(certPem) } });

    const daemon = bed.start({ _AMBASSADOR_VERIFY_UPSTREAM: 'true' });

    const line = await daemon.line(({ code }) => code === 'SECRET_NOT_ADOPTABLE');
    assert.match(String(line['error']), /it holds the certificate CN=www\.example\.com, and not roots/);
    assert.equal(bed.entry('tls.crt', name), certPem);
  });
});

/** As a public CA signs it: no SPIFFE ID. */
async function publicCertificate(): Promise<{ certPem: string; keyPem: string }> {
  const ca = await createRoot({ name: 'Public CA' });
  return ca.issueLeaf({ service: 'www.example.com', uris: [], dnsNames: ['www.example.com'] });
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
