import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorOfStatus } from '../../../src/consul/errors/status.ts';

const TOKEN = 'c0ffee00-0000-4000-8000-000000000000';

for (const [what, text, quoted] of [
  ['JSON, which may be the answer to a login', JSON.stringify({ SecretID: TOKEN }), ''],
  ['a list in JSON', JSON.stringify([{ SecretID: TOKEN }]), ''],
  ['a page', `<html>${TOKEN}</html>`, ''],
  ['a line of plain text', 'no such thing\nand more', ': no such thing'],
] as const) {
  test(`S5: of ${what}, with another status than 200, ${quoted === '' ? 'nothing' : 'the first line'} is quoted`, () => {
    const { message } = errorOfStatus(201, text, { service: 'ambassador', token: 'login' });

    assert.doesNotMatch(message, new RegExp(TOKEN));
    assert.ok(message.endsWith(`201${quoted}`) || message.endsWith('(201)'), message);
  });
}
