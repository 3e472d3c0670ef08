import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail, pass, Rows, warn } from '../../../../src/cli/check/result.ts';
import { ConfigurationError, ConsulError } from '../../../../src/errors.ts';

const WAY = { check: 'way', what: 'the way' };
const TOKEN = { check: 'token', what: 'the token' };
const LEAF = { check: 'leaf', what: 'the leaf' };
const refused = new ConsulError('CONSUL_TOKEN_UNKNOWN', 'not known', { remedy: 'make one' });

test('the rows are in the order of their subjects, the last one of each', () => {
  const rows = new Rows([WAY, TOKEN, LEAF]);
  rows.put(pass(LEAF, 'given'));
  rows.put(pass(TOKEN, 'good'));
  rows.put(warn(TOKEN, 'old', 'renew it'));
  rows.put(pass(WAY, 'there'));

  assert.deepEqual(
    rows.rest().map(({ check, status }) => [check, status]),
    [
      ['way', 'pass'],
      ['token', 'warn'],
      ['leaf', 'pass'],
    ],
  );
  assert.ok(rows.has(TOKEN, 'warn') && !rows.has(TOKEN, 'pass'));
});

test('a check that depends on a failed one is skipped, and its row names that', () => {
  const rows = new Rows([WAY, TOKEN, LEAF]);
  rows.put(pass(WAY, 'there'));

  const [way, token, leaf] = rows.failed(TOKEN, refused);

  assert.equal(way?.status, 'pass');
  assert.deepEqual(token, fail(TOKEN, refused));
  assert.equal(leaf?.status, 'skipped');
  assert.match(leaf.detail ?? '', /: the token$/);
  const alone = new Rows([WAY, TOKEN, LEAF]).failed(TOKEN, refused, [WAY]);
  assert.equal(alone[0]?.status, 'skipped', 'a row that depends on the failed one, though it is before it');
});

test('the row of an error has its code, and its remedy if it has one', () => {
  assert.deepEqual(fail(TOKEN, refused, 'warn'), {
    ...TOKEN,
    status: 'warn',
    detail: 'not known',
    code: 'CONSUL_TOKEN_UNKNOWN',
    remedy: 'make one',
  });
  assert.ok(!('remedy' in fail(TOKEN, new ConfigurationError(['a', 'b']))));
});
