import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { writePem } from '../../../../src/identity/x509/pem.ts';
import { readPrivateKey } from '../../../../src/identity/x509/private-key.ts';
import {
  generateKeyPair,
  type KeyFormat,
  type KeyType,
  privateKeyPem,
} from '../../../fixtures/certificates/factory.ts';
import { refusal } from '../support.ts';

const FORMS: readonly [KeyType, KeyFormat, string][] = [
  ['ec-p256', 'sec1', 'EC PRIVATE KEY'],
  ['ec-p256', 'pkcs8', 'PRIVATE KEY'],
  ['ec-p384', 'sec1', 'EC PRIVATE KEY'],
  ['ec-p384', 'pkcs8', 'PRIVATE KEY'],
  ['rsa-2048', 'pkcs1', 'RSA PRIVATE KEY'],
  ['rsa-2048', 'pkcs8', 'PRIVATE KEY'],
];

for (const [type, format, label] of FORMS) {
  test(`a ${type} key in ${format} form is read and keeps its form`, async () => {
    const pem = privateKeyPem(await generateKeyPair(type), format);
    const key = readPrivateKey(pem);
    assert.ok(key.object.equals(createPrivateKey(pem)));
    assert.ok(key.pem.startsWith(`-----BEGIN ${label}-----\n`));
    assert.ok(createPrivateKey(key.pem).equals(key.object));
  });
}

const ec = privateKeyPem(await generateKeyPair('ec-p256'));
const parameters = writePem({ label: 'EC PARAMETERS', der: Buffer.from('06082a8648ce3d030107', 'hex') });
for (const [what, text] of [
  ['after the EC PARAMETERS that openssl writes', parameters + ec],
  ['without a final newline and with CRLF', ec.trimEnd().replaceAll('\n', '\r\n')],
] as const) {
  test(`a key ${what} comes out in the normal form`, () => {
    assert.equal(readPrivateKey(text).pem, ec);
  });
}

const cipher = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' } as const;
for (const [what, text] of [
  ['of two keys', ec + ec],
  ['without any key', writePem({ label: 'CERTIFICATE', der: Buffer.from('x') })],
  ['with an encrypted key', createPrivateKey(ec).export(cipher).toString()],
] as const) {
  test(`a text ${what} is refused`, () => {
    assert.throws(() => readPrivateKey(text), refusal('KEY_UNREADABLE'));
  });
}

test('no part of a damaged key is in the error', () => {
  const quoted = Buffer.from('this is in place of a private key');
  const pem = writePem({ label: 'PRIVATE KEY', der: quoted });

  assert.throws(
    () => readPrivateKey(pem),
    (error) => {
      const shown = inspect(error, { depth: null, showHidden: true });
      return !shown.includes(quoted.toString()) && !shown.includes(quoted.toString('base64').slice(0, 12));
    },
  );
});
