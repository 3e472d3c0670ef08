import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../../../src/config/config.ts';
import { VARIABLES } from '../../../src/config/variables.ts';
import { partOf } from './part.ts';

test('with nothing set every value is the default', () => {
  assert.deepEqual(readConfig({}), {
    ambassadorId: '',
    instance: 'ambassador',
    secret: 'ambassador-consul-connect',
    secretNamespace: undefined,
    upstreamCaSecret: undefined,
    service: 'ambassador-consul-connector',
    serviceEnabled: true,
    tlsContext: 'ambassador-consul',
    apiVersion: 'getambassador.io/v2',
    labels: {},
    annotations: {},
    consul: {
      servers: [{ host: '127.0.0.1', port: 8500 }],
      tls: undefined,
      httpAuth: undefined,
      token: { kind: 'none' },
      scope: { namespace: undefined, partition: undefined, datacenter: undefined },
      service: 'ambassador',
      inPod: false,
    },
    trustDomain: undefined,
    consulWaitMs: 50_000,
    outputDirectory: undefined,
    outputFiles: {
      keyMode: 0o600,
      owner: undefined,
      group: undefined,
      extra: [],
      keystorePassword: 'changeit',
    },
    outputReload: undefined,
    http: { host: '0.0.0.0', port: 8080 },
    logFormat: 'auto',
    logLevel: 'info',
  });
});

test('with upstream verification there is a second Secret, whose name may not be too long', () => {
  const verify = { _AMBASSADOR_VERIFY_UPSTREAM: 'true' };
  const long = { _AMBASSADOR_TLS_SECRET_NAME: 'a'.repeat(251) };
  assert.equal(readConfig({ ...verify, _AMBASSADOR_TLS_SECRET_NAME: 'mesh' }).upstreamCaSecret, 'mesh-ca');
  assert.equal(readConfig(long).secret.length, 251);
  assert.throws(
    () => readConfig({ ...verify, ...long }),
    /_AMBASSADOR_TLS_SECRET_NAME is too long for the `-ca`/,
  );
});

test('with the ID `edge` Secret, Service and Consul service are named after it and the TLSContext is not', () => {
  const expected = {
    ambassadorId: 'edge',
    instance: 'edge',
    secret: 'edge-consul-connect',
    service: 'edge-consul-connector',
    tlsContext: 'ambassador-consul',
    consul: { service: 'ambassador-edge' },
  };
  assert.deepEqual(partOf(readConfig({ _AMBASSADOR_ID: 'edge' }), expected), expected);
});

test('every name can be set apart from the ID', () => {
  const config = readConfig({
    _AMBASSADOR_ID: 'edge',
    _AMBASSADOR_TLS_SECRET_NAME: 'ambassador-edge-consul-connect',
    _AMBASSADOR_TLS_SECRET_NAMESPACE: 'certificates',
    _AMBASSADOR_TLS_CONTEXT_NAME: 'mesh',
    _AMBASSADOR_SERVICE_NAME: 'mesh-context',
    _CONSUL_SERVICE: 'gateway',
  });

  assert.deepEqual(
    [config.secret, config.secretNamespace, config.tlsContext, config.service, config.consul.service],
    ['ambassador-edge-consul-connect', 'certificates', 'mesh', 'mesh-context', 'gateway'],
  );
});

test('an ID that Kubernetes would reject in a name is accepted if both names are set', () => {
  const config = readConfig({
    _AMBASSADOR_ID: 'Edge_1',
    _AMBASSADOR_TLS_SECRET_NAME: 'edge',
    _AMBASSADOR_SERVICE_NAME: 'edge',
  });
  assert.equal(config.ambassadorId, 'Edge_1');
});

test('an empty or blank variable is as if it were not set', () => {
  for (const blank of ['', ' \t\n']) {
    const environment = Object.fromEntries(Object.keys(VARIABLES).map((name) => [name, blank]));
    assert.deepEqual(readConfig(environment), readConfig({}));
  }
});

test('blanks around a value are ignored', () => {
  assert.deepEqual(readConfig({ _CONSUL_PORT: ' 8501\n' }).consul.servers, [
    { host: '127.0.0.1', port: 8501 },
  ]);
});

test('the variables that Kubernetes injects for Services are not read', () => {
  const injected = {
    CONSUL_PORT: 'tcp://10.0.0.1:8500',
    CONSUL_SERVICE_HOST: '10.0.0.1',
    HTTP_PORT: 'tcp://x',
  };
  assert.deepEqual(readConfig(injected), readConfig({}));
});

/** Each with the part of the configuration that results. */
const ACCEPTED: readonly (readonly [variable: string, value: string, expected: object])[] = [
  ['_CONSUL_HOST', 'consul.svc', { consul: { servers: [{ host: 'consul.svc', port: 8500 }] } }],
  ['_CONSUL_HOST', 'fd00::1', { consul: { servers: [{ host: 'fd00::1', port: 8500 }] } }],
  ['_CONSUL_HOST', '[::1]', { consul: { servers: [{ host: '::1', port: 8500 }] } }],
  ['_CONSUL_HOST', 'fe80::1%eth0', { consul: { servers: [{ host: 'fe80::1%eth0', port: 8500 }] } }],
  ['_CONSUL_HOST', '[fe80::1%25eth0]', { consul: { servers: [{ host: 'fe80::1%eth0', port: 8500 }] } }],
  ['_CONSUL_PORT', '1', { consul: { servers: [{ host: '127.0.0.1', port: 1 }] } }],
  ['_CONSUL_PORT', '65535', { consul: { servers: [{ host: '127.0.0.1', port: 65_535 }] } }],
  ['_CONSUL_WAIT', '1s', { consulWaitMs: 1_000 }],
  ['_CONSUL_WAIT', '1500ms', { consulWaitMs: 1_500 }],
  ['_CONSUL_WAIT', '10m', { consulWaitMs: 600_000 }],
  ['_CONSUL_SERVICE', 'x 50% ä', { consul: { service: 'x 50% ä' } }],
  ['_AMBASSADOR_SERVICE_ENABLED', 'false', { serviceEnabled: false }],
  ['_AMBASSADOR_SERVICE_ENABLED', 'NO', { serviceEnabled: false }],
  ['_AMBASSADOR_API_VERSION', 'ambassador/v1', { apiVersion: 'ambassador/v1' }],
  ['_AMBASSADOR_API_VERSION', 'getambassador.io/v3alpha1', { apiVersion: 'getambassador.io/v3alpha1' }],
  ['_AMBASSADOR_LABELS', 'a=b, getambassador.io/c=', { labels: { a: 'b', 'getambassador.io/c': '' } }],
  [
    '_AMBASSADOR_ANNOTATIONS',
    'example.com/to=a,b=c \n note=',
    { annotations: { 'example.com/to': 'a,b=c', note: '' } },
  ],
  ['_HTTP_PORT', '0', { http: { port: 0 } }],
  ['_HTTP_HOST', '::', { http: { host: '::' } }],
  ['_OUTPUT_DIR', '/var/run/tls', { outputDirectory: '/var/run/tls' }],
  ['_OUTPUT_FILE_MODE', '0640', { outputFiles: { keyMode: 0o640 } }],
  ['_OUTPUT_FILE_MODE', '640', { outputFiles: { keyMode: 0o640 } }],
  ['_OUTPUT_FILE_OWNER', '65532', { outputFiles: { owner: 65_532 } }],
  ['_OUTPUT_FILE_GROUP', '0', { outputFiles: { group: 0 } }],
  ['_LOG_FORMAT', 'pretty', { logFormat: 'pretty' }],
  ['_LOG_LEVEL', 'debug', { logLevel: 'debug' }],
];

for (const [variable, value, expected] of ACCEPTED) {
  test(`${variable}=${value} is accepted`, () => {
    assert.deepEqual(partOf(readConfig({ [variable]: value }), expected), expected);
  });
}
