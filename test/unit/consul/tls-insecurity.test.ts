import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../../../src/config/config.ts';
import { insecurityOf } from '../../../src/consul/insecurity.ts';

for (const [verify, isWarned] of [
  ['true', false],
  ['false', true],
] as const) {
  test(`S8: TLS with CONSUL_HTTP_SSL_VERIFY=${verify} is ${isWarned ? '' : 'not '}warned of`, () => {
    const environment = { CONSUL_HTTP_SSL: 'true', CONSUL_HTTP_SSL_VERIFY: verify };

    assert.equal(insecurityOf(readConfig(environment).consul) !== undefined, isWarned);
  });
}
