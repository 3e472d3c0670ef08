import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail, pass, Rows, warn } from '../../../../src/cli/check/result.ts';
import { ConfigurationError, ConsulError } from '../../../../src/errors.ts';

const WAY = { check: 'way', what: 'the way' };
const TOKEN = { check: 'token', what: 'the token' };
const LEAF = { check: 'leaf', what: 'the leaf' };
const refused = new ConsulError('CONSUL_TOKEN_UNKNOWN', 'not known', { remedy: 'make one' });

test('the rows come in the order of their subjects, however they were found', () => {
  const rows = new Rows([WAY, TOKEN, LEAF]);
  rows.put(pass(LEAF, 'given'));
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
});

test('what was not seen after a failure is skipped, and says what to put right first', () => {
  const rows = new Rows([WAY, TOKEN, LEAF]);
  rows.put(pass(WAY, 'there'));

  const [way, token, leaf] = rows.failed(TOKEN, refused);

  assert.equal(way?.status, 'pass');
  assert.deepEqual(token, fail(TOKEN, refused));
  assert.deepEqual(leaf, {
    ...LEAF,
    status: 'skipped',
    detail: 'nothing to see before this is right: the token',
  });
});

test('what cannot be known with a failure is skipped too, though it stands before it', () => {
  const rows = new Rows([WAY, TOKEN, LEAF]).failed(TOKEN, refused, [WAY]);

  assert.deepEqual(
    rows.map(({ status }) => status),
    ['skipped', 'fail', 'skipped'],
  );
});

test('a later row takes the place of an earlier one of the same subject', () => {
  const rows = new Rows([WAY]);
  rows.put(pass(WAY, 'there'));
  rows.put(warn(WAY, 'the second server'));

  assert.deepEqual(
    rows.rest().map(({ detail }) => detail),
    ['the second server'],
  );
  assert.ok(rows.has(WAY, 'warn') && !rows.has(WAY, 'pass'));
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
