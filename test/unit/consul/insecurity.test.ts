import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Environment, readConfig } from '../../../src/config/config.ts';
import { insecurityOf } from '../../../src/consul/insecurity.ts';

const warningOf = (environment: Environment) => insecurityOf(readConfig(environment).consul)?.warning;
const TOKEN = { CONSUL_HTTP_TOKEN: 'the-token' };

describe('S2: a credential in plain HTTP', () => {
  for (const [what, credential, named] of [
    ['a token', TOKEN, 'the ACL token'],
    ['a token in a file', { CONSUL_HTTP_TOKEN_FILE: '/token' }, 'the ACL token'],
    ['a login', { CONSUL_LOGIN_AUTH_METHOD: 'k8s' }, 'the token to log in with'],
    ['a password', { CONSUL_HTTP_AUTH: 'user:password' }, 'the password of CONSUL_HTTP_AUTH'],
    ['both', { ...TOKEN, CONSUL_HTTP_AUTH: 'u:p' }, 'the ACL token and the password of CONSUL_HTTP_AUTH'],
  ] as const) {
    test(`is warned of to another machine: ${what}`, () => {
      assert.equal(
        warningOf({ _CONSUL_HOST: 'consul', ...credential }),
        `plain HTTP to http://consul:8500: anyone on the network path can read ${named}`,
      );
    });
  }

  for (const address of [
    '127.0.0.1',
    '127.1.2.3:8500',
    'localhost',
    'LOCALHOST.',
    'agent.localhost',
    '[::1]:8500',
    'unix:///run/consul.sock',
    'https://consul',
  ]) {
    test(`is none to ${address}`, () => {
      assert.equal(warningOf({ CONSUL_HTTP_ADDR: address, ...TOKEN }), undefined);
    });
  }

  for (const host of ['10.0.0.1', '[fd00::1]', '127.0.0.1.example.com', 'localhost.example.com', '0.0.0.0']) {
    test(`may be one to ${host}`, () => {
      assert.match(warningOf({ CONSUL_ADDRESSES: `127.0.0.1,${host}`, ...TOKEN }) ?? '', /ACL token/);
    });
  }

  test('is none if no credential is sent', () => {
    assert.equal(warningOf({ _CONSUL_HOST: 'consul' }), undefined);
  });
});

for (const [verify, isWarned] of [
  ['true', false],
  ['false', true],
] as const) {
  test(`S8: TLS with CONSUL_HTTP_SSL_VERIFY=${verify} is ${isWarned ? '' : 'not '}warned of`, () => {
    const warning = warningOf({ CONSUL_HTTP_SSL: 'true', CONSUL_HTTP_SSL_VERIFY: verify });
    assert.equal(warning !== undefined, isWarned);
  });
}
