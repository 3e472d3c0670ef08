import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextIndex } from '../../../src/consul/blocking-index.ts';

for (const [what, last, header, next] of [
  ['a higher index is the next one', 40n, '41', 41n],
  ['the same index is kept', 40n, '40', 40n],
  ['the first index is used as it is', undefined, '7', 7n],
  [
    'an index that is too large for a double keeps every digit',
    18446744073709551614n,
    '18446744073709551615',
    18446744073709551615n,
  ],
  ['an index that went backwards starts over (consul PR #2621)', 100n, '40', undefined],
] as const) {
  test(what, () => assert.equal(nextIndex(last, header), next));
}

for (const header of [undefined, '', '0', '00', 'abc', '-1', '1.5', ' 7', '0x10', '1e3', '9'.repeat(21)]) {
  test(`the index ${header === undefined ? 'missing' : `"${header}"`} starts over`, () => {
    assert.equal(nextIndex(undefined, header), undefined);
  });
}
