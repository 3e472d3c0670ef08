import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { writePem } from '../../../../src/identity/x509/pem.ts';
import { readPrivateKey } from '../../../../src/identity/x509/private-key.ts';
import { generateKeyPair, privateKeyPem } from '../../../fixtures/certificates/factory.ts';
import { refusal } from '../support.ts';

const ec = privateKeyPem(await generateKeyPair('ec-p256'));
const parameters = writePem({ label: 'EC PARAMETERS', der: Buffer.from('06082a8648ce3d030107', 'hex') });
for (const [what, text] of [
  ['after the EC PARAMETERS that openssl writes', parameters + ec],
  ['without a final newline and with CRLF', ec.trimEnd().replaceAll('\n', '\r\n')],
] as const) {
  test(`a key ${what} is written in the normal form`, () => {
    assert.equal(readPrivateKey(text).pem, ec);
  });
}

const cipher = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' } as const;
for (const [what, text] of [
  ['of two keys', ec + ec],
  ['without any key', writePem({ label: 'CERTIFICATE', der: Buffer.from('x') })],
  ['with an encrypted key', createPrivateKey(ec).export(cipher).toString()],
] as const) {
  test(`a text ${what} is rejected`, () => {
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
