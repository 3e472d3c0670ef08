import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { createRoot } from '../fixtures/certificates/factory.ts';
import { type Bed, makeBed, NAMESPACE, SECRET, SERVICE } from './support/bed.ts';

const CONFIG = 'getambassador.io/config';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
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
const HOLDS_MAPPING = /the annotation getambassador\.io\/config holds Mapping shop/;

function putService({ cluster }: Bed, annotations: Record<string, string>, spec: object): void {
  cluster.put({
    kind: 'Service',
    metadata: { name: SERVICE, namespace: NAMESPACE, annotations },
    spec: { ports: PORTS, ...spec },
  });
}

function putSecret({ cluster }: Bed, texts: Record<string, string>, more: object = {}): void {
  const data = Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
  cluster.put({
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name: SECRET, namespace: NAMESPACE },
    data: Object.fromEntries(data),
    ...more,
  });
}

describe('K4: a Service that another writer made', { concurrency: 2 }, () => {
  for (const [what, annotations, spec, reason] of [
    ['with a Mapping', { [CONFIG]: MAPPING }, { type: 'LoadBalancer', selector: SELECTOR }, HOLDS_MAPPING],
    ['with a Mapping beside our TLSContext', { [CONFIG]: TLS_CONTEXT + MAPPING }, {}, HOLDS_MAPPING],
    ['with a selector', {}, { type: 'LoadBalancer', selector: SELECTOR }, /it selects app=ambassador/],
  ] satisfies [string, Record<string, string>, object, RegExp][]) {
    test(`${what} is left as it is, unready with the reason, until it is gone`, async (t) => {
      const bed = await makeBed(t);
      putService(bed, annotations, spec);
      const before = bed.service();
      const daemon = bed.start();

      const line = await daemon.line(({ code }) => code === 'SERVICE_NOT_ADOPTABLE');

      assert.match(String(line['error']), reason);
      assert.match(String(line['remedy']), /else set _AMBASSADOR_SERVICE_NAME to another name/);
      await daemon.unready(reason);
      assert.deepEqual(bed.service(), before);
      bed.cluster.remove('Service', NAMESPACE, SERVICE);
      await daemon.ready();
    });
  }

  test('is a FAIL of check, and an error of render', async (t) => {
    const bed = await makeBed(t);
    putService(bed, { [CONFIG]: MAPPING }, {});

    const [check, render] = [bed.start({}, ['check']), bed.start({}, ['render'])];

    assert.equal((await check.exited).code, 1);
    assert.match(check.stdout, /FAIL +the Service/);
    assert.match(check.stdout, HOLDS_MAPPING);
    assert.equal((await render.exited).code, 1);
    assert.match(render.stderr, HOLDS_MAPPING);
  });

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
    putSecret(bed, { 'tls.crt': certPem, 'tls.key': keyPem });
    const before = bed.secret();
    const daemon = bed.start();

    const line = await daemon.line(({ code }) => code === 'SECRET_NOT_ADOPTABLE');

    const reason = /it contains the certificate CN=www\.example\.com, not an identity signed by Consul/;
    assert.match(String(line['error']), reason);
    assert.match(String(line['remedy']), /else set _AMBASSADOR_TLS_SECRET_NAME to another name/);
    await daemon.unready(reason);
    assert.deepEqual(bed.secret(), before);
    const check = bed.start({}, ['check']);
    assert.equal((await check.exited).code, 1);
    assert.match(check.stdout, /FAIL +the Secret/);
  });

  test('30: that kubectl applied, with an identity of a Consul CA, is adopted without the copy of its key', async (t) => {
    const bed = await makeBed(t);
    const { keyPem, chainPem } = (await bed.consul.leaf('other')).issued;
    const copied = `{"data":{"tls.key":"${randomBytes(24).toString('base64')}"}}`;
    const metadata = { name: SECRET, namespace: NAMESPACE, annotations: { [LAST_APPLIED]: copied } };
    putSecret(bed, { 'tls.crt': chainPem, 'tls.key': keyPem }, { metadata });

    const daemon = await bed.startReady();

    const { object } = await daemon.line('adopted an existing object');
    assert.equal(object, `secrets ${NAMESPACE}/${SECRET}`);
    await daemon.line('removed the last-applied annotation, which contained an old private key');
    assert.equal(bed.secret()?.metadata.annotations?.[LAST_APPLIED], undefined);
    assert.ok(!daemon.stdout.includes(copied));
  });
});

/** As a public CA signs it: no SPIFFE ID. */
async function publicCertificate(): Promise<{ certPem: string; keyPem: string }> {
  const ca = await createRoot({ name: 'Public CA' });
  return ca.issueLeaf({ service: 'www.example.com', uris: [], dnsNames: ['www.example.com'] });
}
