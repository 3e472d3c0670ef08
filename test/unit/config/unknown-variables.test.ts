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
  test(`${variable} is reported as ${meant}`, () => {
    assert.deepEqual(findUnknownVariables({ [variable]: 'x' }), [{ variable, meant }]);
  });
}

for (const variable of Object.keys(VARIABLES)) {
  const bare = variable.slice(1);
  const [meant] = findUnknownVariables({ [bare]: 'x' });
  if (standardName(variable) === undefined) {
    test(`${bare} without its underscore is reported as ${variable}`, () => {
      assert.deepEqual(meant, { variable: bare, meant: variable });
    });
  } else {
    test(`${bare}, a variable of Consul's own clients, is valid without the underscore`, () => {
      assert.equal(meant, undefined);
    });
  }
}

const exactly = Object.fromEntries(Object.keys(VARIABLES).map((name) => [name, 'x']));
for (const [what, environment] of [
  [
    'the variables that Kubernetes injects for a Service',
    { CONSUL_PORT: 'tcp://10.0.0.1:8500', CONSUL_SERVICE_HOST: '10.0.0.1' },
  ],
  ['the same for UDP', { CONSUL_PORT: 'udp://10.0.0.1:8600', CONSUL_SERVICE_HOST: '10.0.0.1' }],
  ['empty and blank variables', { _CONSUL_HOTS: '', AMBASSADOR_ID: '  ', CONSUL_HOST: undefined }],
  ['every variable, spelt correctly', exactly],
  ['variables of other programs', { PATH: '/bin', HOSTNAME: 'x', _: '/usr/bin/node', HOME: '/' }],
] as const) {
  test(`not reported: ${what}`, () => {
    assert.deepEqual(findUnknownVariables(environment), []);
  });
}
