import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Environment, readConfig } from '../../../src/config/config.ts';
import { NAMES, standardName, VARIABLES } from '../../../src/config/variables.ts';
import type { ConsulAccess } from '../../../src/consul/endpoint.ts';
import { partOf, problemsOf } from './part.ts';

const access = (environment: Environment): ConsulAccess => readConfig(environment).consul;

const HTTP_ADDR = { CONSUL_HTTP_ADDR: 'https://third:3' };
const ADDRESSES = { CONSUL_ADDRESSES: 'second:2,another' };

for (const [what, environment, servers] of [
  ['_CONSUL_HOST wins', { _CONSUL_HOST: 'first', ...ADDRESSES, ...HTTP_ADDR }, ['first:8500']],
  ['then CONSUL_ADDRESSES', { ...ADDRESSES, ...HTTP_ADDR }, ['second:2', 'another:8500']],
  [
    'with _CONSUL_PORT if an address has no port',
    { _CONSUL_PORT: '1', ...ADDRESSES },
    ['second:2', 'another:1'],
  ],
  ['then _CONSUL_PORT, at this machine', { _CONSUL_PORT: '1', ...HTTP_ADDR }, ['127.0.0.1:1']],
  ['then CONSUL_HTTP_ADDR', HTTP_ADDR, ['third:3']],
  ['then the agent of this machine', {}, ['127.0.0.1:8500']],
] as const) {
  test(`the address: ${what}`, () => {
    const found = access(environment).servers.map((server) =>
      'host' in server ? `${server.host}:${server.port}` : server.socketPath,
    );
    assert.deepEqual(found, servers);
  });
}

for (const [value, server, secure] of [
  ['consul', { host: 'consul', port: 8500 }, false],
  ['consul:8500', { host: 'consul', port: 8500 }, false],
  ['http://consul:8500', { host: 'consul', port: 8500 }, false],
  ['http://consul', { host: 'consul', port: 80 }, false],
  ['https://consul', { host: 'consul', port: 443 }, true],
  ['https://consul:8501/', { host: 'consul', port: 8501 }, true],
  ['https://gw/consul', { host: 'gw', port: 443, pathPrefix: '/consul' }, true],
  ['http://gw:8080/a/b-c/', { host: 'gw', port: 8080, pathPrefix: '/a/b-c' }, false],
  ['https://[fd00::1]:8501', { host: 'fd00::1', port: 8501 }, true],
  ['unix:///run/consul.sock', { socketPath: '/run/consul.sock' }, false],
] as const) {
  test(`C2: CONSUL_HTTP_ADDR=${value} is read as by Consul's own clients`, () => {
    const { servers, tls } = access({ CONSUL_HTTP_ADDR: value });
    assert.deepEqual(servers, [server]);
    assert.equal(tls !== undefined, secure);
  });
}

for (const value of [
  'unix://',
  'ftp://consul',
  'https://user:password@consul',
  'https://consul/path?query',
  'https://consul/pa th',
  'consul/path',
  'consul:0',
  'consul:port',
  '::1:8500',
]) {
  test(`CONSUL_HTTP_ADDR=${value} is rejected, and not quoted`, () => {
    assert.deepEqual(problemsOf({ CONSUL_HTTP_ADDR: value }), [
      'CONSUL_HTTP_ADDR must be host:port, http://host:port, https://host:port/path or unix:///path',
    ]);
  });
}

test('the scheme of a CONSUL_HTTP_ADDR that is not used is not used either', () => {
  for (const others of [{ _CONSUL_HOST: 'first' }, { _CONSUL_PORT: '1' }, ADDRESSES]) {
    assert.equal(access({ ...others, ...HTTP_ADDR }).tls, undefined);
  }
});

test('C1: TLS is used if CONSUL_HTTP_SSL or the scheme of CONSUL_HTTP_ADDR enables it', () => {
  assert.notEqual(access({ CONSUL_HTTP_SSL: 'true', CONSUL_HTTP_ADDR: 'http://consul:1' }).tls, undefined);
  assert.notEqual(access({ CONSUL_HTTP_SSL: 'false', ...HTTP_ADDR }).tls, undefined);
  assert.equal(access({ CONSUL_HTTP_SSL: 'false', CONSUL_HTTP_ADDR: 'http://consul:1' }).tls, undefined);
});

test('C3: CONSUL_HTTP_SSL accepts the booleans of Go', () => {
  for (const yes of ['1', 't', 'T', 'TRUE', 'true', 'True'])
    assert.notEqual(access({ CONSUL_HTTP_SSL: yes }).tls, undefined, yes);
  for (const no of ['0', 'f', 'F', 'FALSE', 'false', 'False'])
    assert.equal(access({ CONSUL_HTTP_SSL: no }).tls, undefined, no);
});

const TLS = { CONSUL_HTTP_SSL: '1' };
const LOGIN = { CONSUL_LOGIN_AUTH_METHOD: 'k8s' };
const [CERT, KEY] = [{ CONSUL_CLIENT_CERT: '/cert' }, { CONSUL_CLIENT_KEY: '/key' }];
const SERVER = { servers: [{ host: 'a', port: 1 }] };

/** A value for each standard variable, a part of the result, and the other variables that it needs. */
const STANDARD: Readonly<Record<string, readonly [value: string, found: object, others?: Environment]>> = {
  CONSUL_ADDRESSES: ['a:1', SERVER],
  CONSUL_HTTP_ADDR: ['a:1', SERVER],
  CONSUL_HTTP_AUTH: ['me:secret', { httpAuth: 'me:secret' }],
  CONSUL_HTTP_TOKEN: ['secret', { token: { kind: 'value', token: 'secret' } }],
  CONSUL_HTTP_TOKEN_FILE: ['/token', { token: { kind: 'file', path: '/token' } }],
  CONSUL_HTTP_SSL: ['true', { tls: { verify: true } }],
  CONSUL_HTTP_SSL_VERIFY: ['no', { tls: { verify: false } }, TLS],
  CONSUL_CACERT: ['/ca', { tls: { caFile: '/ca' } }, TLS],
  CONSUL_CAPATH: ['/cas', { tls: { caFolder: '/cas' } }, TLS],
  CONSUL_CLIENT_CERT: ['/cert', { tls: { certificateFile: '/cert' } }, { ...TLS, ...KEY }],
  CONSUL_CLIENT_KEY: ['/key', { tls: { keyFile: '/key' } }, { ...TLS, ...CERT }],
  CONSUL_TLS_SERVER_NAME: ['server.dc1.consul', { tls: { serverName: 'server.dc1.consul' } }, TLS],
  CONSUL_NAMESPACE: ['ns', { scope: { namespace: 'ns' } }],
  CONSUL_PARTITION: ['west', { scope: { partition: 'west' } }],
  CONSUL_DATACENTER: ['dc2', { scope: { datacenter: 'dc2' } }],
  CONSUL_LOGIN_AUTH_METHOD: ['k8s', { token: { authMethod: 'k8s' } }],
  CONSUL_LOGIN_BEARER_TOKEN_FILE: ['/jwt', { token: { bearerTokenFile: '/jwt' } }, LOGIN],
  CONSUL_LOGIN_DATACENTER: ['dc1', { token: { datacenter: 'dc1' } }, LOGIN],
  CONSUL_LOGIN_NAMESPACE: ['auth', { token: { namespace: 'auth' } }, LOGIN],
  CONSUL_LOGIN_PARTITION: ['west', { token: { partition: 'west' } }, LOGIN],
  CONSUL_LOGIN_META: ['pod=a, node=b', { token: { meta: { pod: 'a', node: 'b' } } }, LOGIN],
};

test('the table has every variable that is accepted without its underscore', () => {
  const standard = Object.keys(VARIABLES).flatMap((name) => standardName(name) ?? []);
  assert.deepEqual(Object.keys(STANDARD).sort(), standard.sort());
  assert.ok(standard.every((name) => NAMES.includes(name)));
});

for (const [name, [value, expected, others]] of Object.entries(STANDARD)) {
  test(`${name} is accepted with and without the underscore, and the former takes precedence`, () => {
    for (const set of [{ [name]: value }, { [`_${name}`]: value }, { [name]: 'yes', [`_${name}`]: value }])
      assert.deepEqual(partOf(access({ ...others, ...set }), expected), expected);
  });
}

for (const environment of [CERT, { _CONSUL_CLIENT_KEY: '/key' }]) {
  test(`${Object.keys(environment)} without the other is a problem`, () => {
    assert.deepEqual(problemsOf({ ...TLS, ...environment }), [
      'CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY must be set together',
    ]);
  });
}

test('a login takes precedence over a token file, and that over a token', () => {
  const value = { CONSUL_HTTP_TOKEN: 'secret' };
  const file = { ...value, CONSUL_HTTP_TOKEN_FILE: '/token' };
  const login = { ...file, CONSUL_LOGIN_AUTH_METHOD: 'k8s' };
  assert.deepEqual(
    [access({}), access(value), access(file), access(login)].map(({ token }) => token.kind),
    ['none', 'value', 'file', 'login'],
  );
});

test('a login uses the token of the ServiceAccount by default', () => {
  assert.deepEqual(access({ CONSUL_LOGIN_AUTH_METHOD: 'k8s' }).token, {
    kind: 'login',
    authMethod: 'k8s',
    bearerTokenFile: '/var/run/secrets/kubernetes.io/serviceaccount/token',
    datacenter: undefined,
    namespace: undefined,
    partition: undefined,
    meta: {},
  });
});

test('C8: in a Pod the kubelet sets a variable', () => {
  assert.equal(access({}).inPod, false);
  assert.equal(access({ KUBERNETES_SERVICE_HOST: '10.96.0.1' }).inPod, true);
});
