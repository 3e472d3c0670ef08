import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { readConfig } from '../../../src/config/config.ts';
import { ConfigurationError } from '../../../src/errors.ts';

function problemsOf(environment: Readonly<Record<string, string>>): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

const REFUSED: Readonly<Record<string, readonly string[]>> = {
  _AMBASSADOR_ID: ['a b', '-edge', 'edge-', 'a/b', '$ID', 'x'.repeat(64)],
  _AMBASSADOR_TLS_SECRET_NAME: ['name.namespace', 'Upper', '-a', 'a_b', 'x'.repeat(254)],
  _AMBASSADOR_TLS_SECRET_NAMESPACE: ['a.b', 'Upper', 'x'.repeat(64)],
  _AMBASSADOR_TLS_CONTEXT_NAME: ['a b', '$NAME', 'a\nb'],
  _AMBASSADOR_SERVICE_NAME: ['1a', 'a.b', 'Upper', 'x'.repeat(64)],
  _AMBASSADOR_SERVICE_ENABLED: ['maybe', '2'],
  _AMBASSADOR_API_VERSION: ['v2', 'emissary.io/v3', 'ambassador/v3', 'getambassador.io/latest'],
  _AMBASSADOR_LABELS: [
    'a',
    'a=b,',
    'a=b=c',
    'a:b',
    '=b',
    'a=-',
    'a..b/c=d',
    'A.io/c=d',
    `a=${'x'.repeat(64)}`,
  ],
  _CONSUL_HOST: [
    'http://consul',
    'consul:8500',
    'consul/path',
    '127.0.0.1:8500',
    '[::1]:8500',
    '256.0.0.1',
    '10.0.0',
    'a b',
    'user@consul',
    'a..b',
  ],
  _CONSUL_PORT: ['0', '65536', '85oo', 'tcp://10.0.0.1:8500', '-1', '8500.0', '1e3', '0x10'],
  _CONSUL_SERVICE: ['a/b', 'a\u0000b', 'a\nb', 'x'.repeat(254)],
  _CONSUL_WAIT: ['60', '999ms', '601s', '11m', '0s', '-5s', '1h', '1.5m', 's'],
  _CONSUL_HTTP_TOKEN: ['two words', 'line\nline', 'tökén'],
  CONSUL_HTTP_TOKEN: ['two words', 'line\nline', 'tökén'],
  _OUTPUT_DIR: ['a\u0000b'],
  _HTTP_HOST: ['http://0.0.0.0', '0.0.0.0:8080'],
  _HTTP_PORT: ['65536', '-1', 'http'],
  _LOG_FORMAT: ['text', 'JSON'],
  _LOG_LEVEL: ['verbose', 'INFO'],
};

for (const [variable, values] of Object.entries(REFUSED)) {
  for (const value of values) {
    const shown = JSON.stringify(value.length > 60 ? `${value.slice(0, 5)}… (${value.length})` : value);
    test(`${variable}=${shown} is refused with the accepted form, and the value is not repeated`, () => {
      const problems = problemsOf({ [variable]: value });
      assert.equal(problems.length, 1);
      assert.match(problems[0] ?? '', new RegExp(`^${variable} must be .{8}`));
      if (value.length > 5) assert.ok(!problems.join().includes(value));
    });
  }
}

test('every problem is reported at once, each naming its variable', () => {
  const problems = problemsOf({
    _CONSUL_PORT: '0',
    _CONSUL_WAIT: '60',
    _HTTP_PORT: 'x',
    _AMBASSADOR_ID: 'ok',
  });

  const found = problems.map((problem) => problem.split(' ')[0]);
  assert.deepEqual(found, ['_CONSUL_PORT', '_CONSUL_WAIT', '_HTTP_PORT']);
});

test('an ID that makes bad names is reported beside the problems of other variables', () => {
  const problems = problemsOf({ _AMBASSADOR_ID: 'Edge', _CONSUL_PORT: '0' });
  assert.deepEqual(problems, [
    '_CONSUL_PORT must be a whole number from 1 to 65535',
    '_AMBASSADOR_ID results in a name that Kubernetes does not accept: set _AMBASSADOR_TLS_SECRET_NAME',
    '_AMBASSADOR_ID results in a name that Kubernetes does not accept: set _AMBASSADOR_SERVICE_NAME',
  ]);
});

for (const [id, named] of [
  ['a.b', 2],
  ['a_b', 2],
  ['Edge', 2],
  // Too long for the name of a Service alone.
  ['x'.repeat(47), 1],
] as const) {
  test(`the ID ${id} makes no name that Kubernetes or Ambassador accepts: the variables that help are named`, () => {
    const problems = problemsOf({ _AMBASSADOR_ID: id });
    assert.equal(problems.length, named);
    assert.match(problems.join(), /set _AMBASSADOR_SERVICE_NAME$/);
  });
}

test('the message holds each problem on a line of its own', () => {
  const error = new ConfigurationError(problemsOf({ _CONSUL_PORT: '0', _LOG_LEVEL: 'loud' }));
  assert.equal(error.message.split('\n  - ').length, 3);
});

for (const variable of [
  '_CONSUL_HTTP_TOKEN',
  'CONSUL_HTTP_TOKEN',
  '_CONSUL_HOST',
  '_LOG_LEVEL',
  '_AMBASSADOR_LABELS',
]) {
  test(`a token in ${variable} is nowhere in the error`, () => {
    assert.throws(
      () => readConfig({ [variable]: 'b1gs33d0 3f2a-secret/token', _CONSUL_PORT: '0' }),
      (error) => !inspect(error, { depth: null, showHidden: true }).includes('secret'),
    );
  });
}
