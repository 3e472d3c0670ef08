import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHART, helmAlone } from './chart.ts';

/** Values, and the name that the message must contain. */
const REFUSED: readonly (readonly [object, string])[] = [
  // By the schema.
  [{ replica: 2 }, "'replica'"],
  [{ replicas: '2' }, '/replicas'],
  [{ image: { digest: 'latest' } }, '/image/digest'],
  [{ image: { pullPolicy: 'Sometimes' } }, '/image/pullPolicy'],
  [{ ambassadors: [] }, '/ambassadors'],
  [{ ambassadors: [{ name: 'edge' }] }, "'name'"],
  [{ ambassadors: [{ id: 1 }] }, '/ambassadors/0/id'],
  [{ ambassadors: [{ id: "'edge" }] }, '/ambassadors/0/id'],
  [{ ambassadors: [{ secretName: 'a.b' }] }, '/ambassadors/0/secretName'],
  [{ ambassadors: [{ serviceName: '1st' }] }, '/ambassadors/0/serviceName'],
  [{ ambassadors: [{ tlsContextName: "it's" }] }, '/ambassadors/0/tlsContextName'],
  [{ apiVersion: 'ambassador/v1' }, '/apiVersion'],
  [{ consul: { host: 'http://consul' } }, '/consul/host'],
  [{ consul: { port: 65_536 } }, '/consul/port'],
  [{ consul: { token: 'b1946ac9' } }, '/consul/token'],
  [{ consul: { token: { secretNam: 'x' } } }, "'secretNam'"],
  [{ consul: { login: { expirationSeconds: 60 } } }, '/consul/login/expirationSeconds'],
  [{ admissionPolicy: 'never' }, '/admissionPolicy'],
  [{ podMonitor: { interval: '30' } }, '/podMonitor/interval'],
  [{ logLevel: 'verbose' }, '/logLevel'],
  [{ publishedLabels: { team: 'a b' } }, '/publishedLabels/team'],
  [{ publishedAnnotations: { note: 'a\nb' } }, '/publishedAnnotations/note'],
  // By the templates.
  [{ publishedLabels: { 'a=b,team': 'c' } }, 'publishedLabels'],
  [{ publishedAnnotations: { 'getambassador.io/config': 'c' } }, 'publishedAnnotations'],
  [{ podLabels: { 'app.kubernetes.io/instance': 'x' } }, 'podLabels'],
  [{ ambassadors: [{ id: 'edge' }, { id: 'edge' }] }, 'ambassadors: two of them have the name'],
  [
    { ambassadors: [{}, { id: 'edge', secretName: 'ambassador-consul-connect' }] },
    'ambassadors: two of them have the Secret',
  ],
  [
    { ambassadors: [{}, { id: 'edge', serviceName: 'ambassador-consul-connector' }] },
    'ambassadors: two of them have the Service',
  ],
  [
    { verifyUpstream: true, ambassadors: [{}, { id: 'e', secretName: 'ambassador-consul-connect-ca' }] },
    'ambassadors: two of them have the Secret',
  ],
  [{ ambassadors: [{ id: 'Edge', serviceName: 'edge' }] }, 'set secretName'],
  [{ ambassadors: [{ id: 'Edge', secretName: 'edge' }] }, 'set serviceName'],
  [{ ambassadors: [{ id: 'e'.repeat(60) }] }, 'shorten fullnameOverride'],
  [{ consul: { host: 'a', addresses: ['b'] } }, 'consul.host and consul.addresses'],
  [{ consul: { url: 'https://a/b', port: 8501 } }, 'consul.url has the host and the port'],
  [{ consul: { url: 'consul:8500' } }, '/consul/url'],
  [{ env: [{ name: 'CONSUL_HTTP_AUTH', value: 'a:b' }] }, 'consul.httpAuth'],
  [
    { consul: { token: { secretName: 'a' }, login: { authMethod: 'b' } } },
    'consul.token.secretName and consul.login.authMethod',
  ],
  [
    { consul: { tls: { enabled: true, ca: { secretName: 'a', configMapName: 'b' } } } },
    'consul.tls.ca.secretName and consul.tls.ca.configMapName',
  ],
  [{ consul: { tls: { ca: { secretName: 'a' } } } }, 'consul.tls.enabled'],
  [{ env: [{ name: '_AMBASSADOR_ID', value: 'edge' }] }, 'ambassadors[].id'],
  [{ env: [{ name: 'CONSUL_CACERT', value: '/ca' }] }, 'consul.tls.ca'],
  [
    { env: [{ name: '_AMBASSADOR_TLS_SECRET_NAMESPACE', value: 'other' }] },
    '_AMBASSADOR_TLS_SECRET_NAMESPACE',
  ],
];

for (const [values, named] of REFUSED)
  test(`${JSON.stringify(values)} is refused, and the message contains ${named}`, async () => {
    const { code, stderr } = await helmAlone(['template', 'ambassador-consul-connector', CHART], values);

    assert.equal(code, 1);
    assert.ok(stderr.includes(named), stderr);
  });
