import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextIndex } from '../../../src/consul/blocking-index.ts';

test('a higher index is the next one', () => {
  assert.equal(nextIndex(40n, '41'), 41n);
});

test('the same index is kept', () => {
  assert.equal(nextIndex(40n, '40'), 40n);
});

test('the first index is taken as it comes', () => {
  assert.equal(nextIndex(undefined, '7'), 7n);
});

test('an index above what a double holds keeps every digit', () => {
  assert.equal(nextIndex(18446744073709551614n, '18446744073709551615'), 18446744073709551615n);
});

test('an index that went backwards starts over (consul PR #2621)', () => {
  assert.equal(nextIndex(100n, '40'), undefined);
});

for (const header of [undefined, '', '0', '00', 'abc', '-1', '1.5', ' 7', '0x10', '1e3', '9'.repeat(21)]) {
  test(`the index ${header === undefined ? 'missing' : `"${header}"`} starts over`, () => {
    assert.equal(nextIndex(undefined, header), undefined);
  });
}
