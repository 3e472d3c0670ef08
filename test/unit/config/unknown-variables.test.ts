import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findUnknownVariables } from '../../../src/config/unknown-variables.ts';
import { standardName, VARIABLES } from '../../../src/config/variables.ts';

const MISSPELT: readonly [string, string][] = [
  ['_CONSUL_HOTS', '_CONSUL_HOST'],
  ['_CONSUL_PROT', '_CONSUL_PORT'],
  ['_CONSUL_TOKEN', '_CONSUL_HTTP_TOKEN'],
  ['_CONSUL_HTTP_TOKN', '_CONSUL_HTTP_TOKEN'],
  ['_AMBASSADOR_IDS', '_AMBASSADOR_ID'],
  ['_AMBASSADOR_TLS_SECRET', '_AMBASSADOR_TLS_SECRET_NAME'],
  ['_AMBASSADOR_TLS_SECRETNAME', '_AMBASSADOR_TLS_SECRET_NAME'],
  ['_AMBASSADOR_TLS_SECRET_NAMESPCE', '_AMBASSADOR_TLS_SECRET_NAMESPACE'],
  ['_AMBASSADOR_LABEL', '_AMBASSADOR_LABELS'],
  ['_HTTP_PROT', '_HTTP_PORT'],
  ['_OUTPUT_DIRS', '_OUTPUT_DIR'],
  ['_LOG_LEVL', '_LOG_LEVEL'],
];

for (const [variable, meant] of MISSPELT) {
  test(`${variable} is taken for ${meant}`, () => {
    assert.deepEqual(findUnknownVariables({ [variable]: 'x' }), [{ variable, meant }]);
  });
}

for (const variable of Object.keys(VARIABLES)) {
  const bare = variable.slice(1);
  const [meant] = findUnknownVariables({ [bare]: 'x' });
  if (standardName(variable) === undefined) {
    test(`${bare} without its underscore is taken for ${variable}`, () => {
      assert.deepEqual(meant, { variable: bare, meant: variable });
    });
  } else {
    test(`${bare}, a variable of Consul's own clients, has its effect without the underscore`, () => {
      assert.equal(meant, undefined);
    });
  }
}

for (const value of ['tcp://10.0.0.1:8500', 'udp://10.0.0.1:8600']) {
  test(`CONSUL_PORT=${value}, which Kubernetes injects for a Service, is none of ours`, () => {
    assert.deepEqual(findUnknownVariables({ CONSUL_PORT: value, CONSUL_SERVICE_HOST: '10.0.0.1' }), []);
  });
}

test('a variable that is empty or blank is no misspelling', () => {
  assert.deepEqual(
    findUnknownVariables({ _CONSUL_HOTS: '', AMBASSADOR_ID: '  ', CONSUL_HOST: undefined }),
    [],
  );
});

test('every variable as it is spelt is no misspelling', () => {
  const environment = Object.fromEntries(Object.keys(VARIABLES).map((name) => [name, 'x']));

  assert.deepEqual(findUnknownVariables(environment), []);
});

test("other programs' variables are no misspellings", () => {
  const environment = {
    PATH: '/bin',
    HOME: '/',
    HOSTNAME: 'x',
    _: '/usr/bin/node',
    KUBERNETES_SERVICE_HOST: '10.0.0.1',
  };

  assert.deepEqual(findUnknownVariables(environment), []);
});

test('each of several misspellings is told', () => {
  const found = findUnknownVariables({ _CONSUL_HOTS: 'x', AMBASSADOR_ID: 'edge' });

  assert.deepEqual(
    found.map(({ meant }) => meant),
    ['_CONSUL_HOST', '_AMBASSADOR_ID'],
  );
});
