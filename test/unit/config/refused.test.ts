import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { readConfig } from '../../../src/config/config.ts';
import { problemsOf } from './part.ts';

/** Forms that the six bad values of each variable in `e2e/configuration.test.ts` do not have. */
const REJECTED: Readonly<Record<string, readonly string[]>> = {
  _AMBASSADOR_ID: ['x'.repeat(64)],
  _AMBASSADOR_TLS_SECRET_NAME: ['name.namespace', 'x'.repeat(254)],
  _AMBASSADOR_TLS_SECRET_NAMESPACE: ['a.b', 'x'.repeat(64)],
  _AMBASSADOR_SERVICE_NAME: ['1a', 'a.b', 'x'.repeat(64)],
  _AMBASSADOR_API_VERSION: ['getambassador.io/latest'],
  _AMBASSADOR_LABELS: ['a:b', 'a..b/c=d', 'A.io/c=d', `a=${'x'.repeat(64)}`],
  _CONSUL_HOST: ['127.0.0.1:8500', '[::1]:8500', '10.0.0', 'user@consul', 'a..b'],
  _CONSUL_PORT: ['8500.0', '1e3'],
  _CONSUL_SERVICE: ['a/b', 'a\u0000b', 'x'.repeat(254)],
  _CONSUL_WAIT: ['601s', '0s', '1.5m', 's'],
  CONSUL_HTTP_TOKEN: ['two words', 'line\nline', 'tökén'],
  _OUTPUT_DIR: ['a\u0000b'],
  _HTTP_HOST: ['http://0.0.0.0', '0.0.0.0:8080'],
};

for (const [variable, values] of Object.entries(REJECTED)) {
  for (const value of values) {
    const shown = JSON.stringify(value.length > 60 ? `${value.slice(0, 5)}… (${value.length})` : value);
    test(`${variable}=${shown} is rejected with the accepted form, and the value is not repeated`, () => {
      const problems = problemsOf({ [variable]: value });
      assert.equal(problems.length, 1);
      assert.match(problems[0] ?? '', new RegExp(`^${variable} must be .{8}`));
      if (value.length > 5) assert.ok(!problems.join().includes(value));
    });
  }
}

test('an ID that results in invalid names is reported with the problems of other variables', () => {
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
  test(`the ID ${id} results in invalid names: the variables to set are named`, () => {
    const problems = problemsOf({ _AMBASSADOR_ID: id });
    assert.equal(problems.length, named);
    assert.match(problems.join(), /set _AMBASSADOR_SERVICE_NAME$/);
  });
}

for (const variable of [
  '_CONSUL_HTTP_TOKEN',
  'CONSUL_HTTP_TOKEN',
  '_CONSUL_HOST',
  '_LOG_LEVEL',
  '_AMBASSADOR_LABELS',
]) {
  test(`a token in ${variable} is not in the error`, () => {
    assert.throws(
      () => readConfig({ [variable]: 'b1gs33d0 3f2a-secret/token', _CONSUL_PORT: '0' }),
      (error) => !inspect(error, { depth: null, showHidden: true }).includes('secret'),
    );
  });
}
