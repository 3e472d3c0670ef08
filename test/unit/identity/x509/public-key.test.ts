import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { publicKeyText } from '../../../../src/identity/x509/public-key.ts';

const COORDINATE_BYTES = 32;
/** SubjectPublicKeyInfo of P-256 up to a compressed point (RFC 5480 section 2). */
const BEFORE_POINT = Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex');

function compressed(key: KeyObject): KeyObject {
  const point = key.export({ type: 'spki', format: 'der' }).subarray(-2 * COORDINATE_BYTES);
  const isOdd = ((point.at(-1) ?? 0) & 1) === 1;
  const x = point.subarray(0, COORDINATE_BYTES);
  const der = Buffer.concat([BEFORE_POINT, Buffer.from([isOdd ? 3 : 2]), x]);
  return createPublicKey({ key: der, type: 'spki', format: 'der' });
}

test('the text of a public key is the same whether its point is compressed or not', () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  assert.equal(publicKeyText(compressed(publicKey)), publicKeyText(publicKey));
});

const TYPES: Readonly<Record<string, () => KeyObject>> = {
  'EC of P-384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey,
  'EC of a curve without a JWK': () => generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' }).publicKey,
  RSA: () => generateKeyPairSync('rsa', { modulusLength: 2_048 }).publicKey,
  'RSA-PSS': () => generateKeyPairSync('rsa-pss', { modulusLength: 2_048 }).publicKey,
  Ed25519: () => generateKeyPairSync('ed25519').publicKey,
};
for (const [type, generate] of Object.entries(TYPES)) {
  test(`the texts of two keys of the type ${type} differ, and each is the same when read again`, () => {
    const [one, other] = [generate(), generate()];
    const again = createPublicKey(one.export({ type: 'spki', format: 'pem' }));
    assert.notEqual(publicKeyText(one), publicKeyText(other));
    assert.equal(publicKeyText(again), publicKeyText(one));
  });
}
