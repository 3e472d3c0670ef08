import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRetryAfter, readWarnings } from '../../../src/publish/kubernetes/api/response-headers.ts';

for (const [what, header, warnings] of [
  ['no header', undefined, []],
  ['one', '299 - "use v2"', ['use v2']],
  ['one with quotation marks', '299 - "policy \\"p\\": no"', ['policy "p": no']],
  ['two headers', ['299 - "one"', '299 - "two"'], ['one', 'two']],
  ['two in one header', '299 - "one", 299 kube-apiserver "two"', ['one', 'two']],
  ['of an HTTP cache, which is ignored', '110 - "Response is Stale"', []],
] as const)
  test(`the warnings of an answer: ${what}`, () => assert.deepEqual(readWarnings(header), warnings));

for (const [header, milliseconds] of [
  ['20', 20_000],
  ['0', 0],
  ['3600', 60_000],
  ['Wed, 21 Oct 2026 07:28:00 GMT', 0],
  [undefined, 0],
] as const)
  test(`Retry-After: ${header} is ${milliseconds} ms`, () =>
    assert.equal(readRetryAfter(header), milliseconds));
