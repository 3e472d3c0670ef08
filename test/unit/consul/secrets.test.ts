import assert from 'node:assert/strict';
import { test } from 'node:test';
import { basicCredentials, secretsOf, withoutSecrets } from '../../../src/consul/secrets.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

test("C5: the credentials are those of Consul's own clients: up to the first colon the user, without one the user alone", () => {
  for (const [given, sent] of [
    ['me:pass:word', 'me:pass:word'],
    ['me', 'me:'],
    [':token', ':token'],
    ['me:pässword', 'me:pässword'],
  ] as const)
    assert.equal(basicCredentials(given), base64(sent));
});

test('C5, S5: a secret that a proxy repeats is removed, in each form in which a request contains it', () => {
  const password = 'p"ss/w rd';
  const httpAuth = `me:${password}`;
  for (const form of [
    password,
    httpAuth,
    base64(httpAuth),
    encodeURIComponent(password),
    JSON.stringify(password).slice(1, -1),
  ])
    assert.equal(withoutSecrets(`bad: ${form}.`, secretsOf(httpAuth)), 'bad: [redacted].', form);
});

test('S5: without secrets a text is unchanged', () => {
  assert.deepEqual(secretsOf(undefined), []);
  assert.equal(withoutSecrets('text', [undefined, '']), 'text');
});
