import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail, pass, Rows, warn } from '../../../../src/cli/check/result.ts';
import { ConfigurationError, ConsulError } from '../../../../src/errors.ts';

const WAY = { check: 'way', what: 'the way' };
const TOKEN = { check: 'token', what: 'the token' };
const LEAF = { check: 'leaf', what: 'the leaf' };
const refused = new ConsulError('CONSUL_TOKEN_UNKNOWN', 'not known', { remedy: 'make one' });

test('the rows come in the order of their subjects, the last of each subject', () => {
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

test('what was not seen after a failure is skipped, and says what to fix first', () => {
  const rows = new Rows([WAY, TOKEN, LEAF]);
  rows.put(pass(WAY, 'there'));

  const [way, token, leaf] = rows.failed(TOKEN, refused);

  assert.equal(way?.status, 'pass');
  assert.deepEqual(token, fail(TOKEN, refused));
  assert.equal(leaf?.status, 'skipped');
  assert.match(leaf.detail ?? '', /: the token$/);
  const alone = new Rows([WAY, TOKEN, LEAF]).failed(TOKEN, refused, [WAY]);
  assert.equal(alone[0]?.status, 'skipped', 'what cannot be known with the failure, though it comes first');
});

test('the row of an error has its code and remedy, and of one without a remedy none', () => {
  assert.deepEqual(fail(TOKEN, refused, 'warn'), {
    ...TOKEN,
    status: 'warn',
    detail: 'not known',
    code: 'CONSUL_TOKEN_UNKNOWN',
    remedy: 'make one',
  });
  assert.ok(!('remedy' in fail(TOKEN, new ConfigurationError(['a', 'b']))));
});
