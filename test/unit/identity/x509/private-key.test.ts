import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
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

test('the EC PARAMETERS that openssl writes before a key are dropped', async () => {
  const pem = privateKeyPem(await generateKeyPair('ec-p256'));
  const parameters = writePem({ label: 'EC PARAMETERS', der: Buffer.from('06082a8648ce3d030107', 'hex') });

  const key = readPrivateKey(parameters + pem);

  assert.equal(key.pem, pem);
});

test('a key without final newline and with CRLF comes out in the normal form', async () => {
  const pem = privateKeyPem(await generateKeyPair('ec-p256'));

  const key = readPrivateKey(pem.trimEnd().replaceAll('\n', '\r\n'));

  assert.equal(key.pem, pem);
});

test('two keys are refused: nobody can say which is meant', async () => {
  const pem = privateKeyPem(await generateKeyPair('ec-p256'));

  assert.throws(() => readPrivateKey(pem + pem), refusal('KEY_UNREADABLE'));
});

test('a text without any key is refused', () => {
  const certificate = writePem({ label: 'CERTIFICATE', der: Buffer.from('x') });

  assert.throws(() => readPrivateKey(certificate), refusal('KEY_UNREADABLE'));
});

test('an encrypted key is refused', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' } as const;
  const pem = privateKey.export(options).toString();

  assert.throws(() => readPrivateKey(pem), refusal('KEY_UNREADABLE'));
});

test('nothing of a damaged key stands in the error', () => {
  const quoted = Buffer.from('this stands for a private key');
  const pem = writePem({ label: 'PRIVATE KEY', der: quoted });

  const thrown = catchError(() => readPrivateKey(pem));

  const shown = inspect(thrown, { depth: null, showHidden: true });
  assert.ok(!shown.includes(quoted.toString()) && !shown.includes(quoted.toString('base64').slice(0, 12)));
});

function catchError(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
