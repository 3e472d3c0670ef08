import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../../../src/config/config.ts';

test('with nothing set every default is that of the seed', () => {
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

test('with upstream verification the roots go into a second Secret, named after the first', () => {
  const { upstreamCaSecret } = readConfig({
    _AMBASSADOR_VERIFY_UPSTREAM: 'true',
    _AMBASSADOR_TLS_SECRET_NAME: 'mesh',
  });
  assert.equal(upstreamCaSecret, 'mesh-ca');
});

test('a Secret name that leaves no room for the second Secret is refused with it only', () => {
  const name = 'a'.repeat(251);
  assert.equal(readConfig({ _AMBASSADOR_TLS_SECRET_NAME: name }).secret, name);
  assert.throws(
    () => readConfig({ _AMBASSADOR_TLS_SECRET_NAME: name, _AMBASSADOR_VERIFY_UPSTREAM: 'true' }),
    /_AMBASSADOR_TLS_SECRET_NAME leaves no room for the `-ca`/,
  );
});

test('with the ID `edge` Secret, Service and Consul service are named after it and the TLSContext is not', () => {
  const config = readConfig({ _AMBASSADOR_ID: 'edge' });

  assert.equal(config.secret, 'edge-consul-connect');
  assert.equal(config.service, 'edge-consul-connector');
  assert.equal(config.consul.service, 'ambassador-edge');
  assert.equal(config.tlsContext, 'ambassador-consul');
  assert.deepEqual([config.ambassadorId, config.instance], ['edge', 'edge']);
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

  assert.equal(config.secret, 'ambassador-edge-consul-connect');
  assert.equal(config.secretNamespace, 'certificates');
  assert.equal(config.tlsContext, 'mesh');
  assert.equal(config.service, 'mesh-context');
  assert.equal(config.consul.service, 'gateway');
});

test('an ID that Kubernetes would refuse in a name is accepted where both names are set', () => {
  const config = readConfig({
    _AMBASSADOR_ID: 'Edge_1',
    _AMBASSADOR_TLS_SECRET_NAME: 'edge',
    _AMBASSADOR_SERVICE_NAME: 'edge',
  });

  assert.equal(config.ambassadorId, 'Edge_1');
});

for (const [what, blank] of [
  ['empty', ''],
  ['blank', ' \t\n'],
] as const) {
  test(`an ${what} variable is as good as none, each and every one`, async () => {
    const { VARIABLES } = await import('../../../src/config/variables.ts');
    const environment = Object.fromEntries(Object.keys(VARIABLES).map((name) => [name, blank]));

    assert.deepEqual(readConfig(environment), readConfig({}));
  });
}

test('blanks around a value do not count', () => {
  assert.deepEqual(readConfig({ _CONSUL_PORT: ' 8501\n' }).consul.servers, [
    { host: '127.0.0.1', port: 8501 },
  ]);
});

test('what Kubernetes injects for Services is not read', () => {
  const injected = {
    CONSUL_PORT: 'tcp://10.0.0.1:8500',
    CONSUL_SERVICE_HOST: '10.0.0.1',
    HTTP_PORT: 'tcp://x',
  };

  assert.deepEqual(readConfig(injected), readConfig({}));
});

test('the token is read from CONSUL_HTTP_TOKEN, and the one with the underscore wins', () => {
  const standard = readConfig({ CONSUL_HTTP_TOKEN: 'standard' });
  const both = readConfig({ CONSUL_HTTP_TOKEN: 'standard', _CONSUL_HTTP_TOKEN: 'ours' });

  assert.deepEqual(
    [standard.consul.token, both.consul.token],
    [
      { kind: 'value', token: 'standard' },
      { kind: 'value', token: 'ours' },
    ],
  );
});

const ACCEPTED: readonly [string, string, (config: ReturnType<typeof readConfig>) => unknown, unknown][] = [
  [
    '_CONSUL_HOST',
    'consul-server.consul.svc',
    ({ consul }) => consul.servers,
    [{ host: 'consul-server.consul.svc', port: 8500 }],
  ],
  ['_CONSUL_HOST', 'fd00::1', ({ consul }) => consul.servers, [{ host: 'fd00::1', port: 8500 }]],
  ['_CONSUL_HOST', '[::1]', ({ consul }) => consul.servers, [{ host: '::1', port: 8500 }]],
  ['_CONSUL_PORT', '1', ({ consul }) => consul.servers, [{ host: '127.0.0.1', port: 1 }]],
  ['_CONSUL_PORT', '65535', ({ consul }) => consul.servers, [{ host: '127.0.0.1', port: 65_535 }]],
  ['_CONSUL_WAIT', '1s', ({ consulWaitMs }) => consulWaitMs, 1_000],
  ['_CONSUL_WAIT', '1500ms', ({ consulWaitMs }) => consulWaitMs, 1_500],
  ['_CONSUL_WAIT', '10m', ({ consulWaitMs }) => consulWaitMs, 600_000],
  ['_CONSUL_SERVICE', 'x 50% ä', ({ consul }) => consul.service, 'x 50% ä'],
  ['_AMBASSADOR_SERVICE_ENABLED', 'false', ({ serviceEnabled }) => serviceEnabled, false],
  ['_AMBASSADOR_SERVICE_ENABLED', 'NO', ({ serviceEnabled }) => serviceEnabled, false],
  ['_AMBASSADOR_API_VERSION', 'ambassador/v1', ({ apiVersion }) => apiVersion, 'ambassador/v1'],
  [
    '_AMBASSADOR_API_VERSION',
    'getambassador.io/v3alpha1',
    ({ apiVersion }) => apiVersion,
    'getambassador.io/v3alpha1',
  ],
  [
    '_AMBASSADOR_LABELS',
    'a=b, getambassador.io/c=',
    ({ labels }) => labels,
    { a: 'b', 'getambassador.io/c': '' },
  ],
  [
    '_AMBASSADOR_ANNOTATIONS',
    'example.com/to=a,b=c \n note=',
    ({ annotations }) => annotations,
    { 'example.com/to': 'a,b=c', note: '' },
  ],
  ['_HTTP_PORT', '0', ({ http }) => http.port, 0],
  ['_HTTP_HOST', '::', ({ http }) => http.host, '::'],
  ['_OUTPUT_DIR', '/var/run/tls', ({ outputDirectory }) => outputDirectory, '/var/run/tls'],
  ['_OUTPUT_FILE_MODE', '0640', ({ outputFiles }) => outputFiles.keyMode, 0o640],
  ['_OUTPUT_FILE_MODE', '640', ({ outputFiles }) => outputFiles.keyMode, 0o640],
  ['_OUTPUT_FILE_OWNER', '65532', ({ outputFiles }) => outputFiles.owner, 65_532],
  ['_OUTPUT_FILE_GROUP', '0', ({ outputFiles }) => outputFiles.group, 0],
  ['_LOG_FORMAT', 'pretty', ({ logFormat }) => logFormat, 'pretty'],
  ['_LOG_LEVEL', 'debug', ({ logLevel }) => logLevel, 'debug'],
];

for (const [variable, value, of, expected] of ACCEPTED) {
  test(`${variable}=${value} is accepted`, () => {
    assert.deepEqual(of(readConfig({ [variable]: value })), expected);
  });
}
