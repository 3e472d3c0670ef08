import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeLeaf, decodeRoots } from '../../../src/consul/connect-ca.ts';
import { parseObject } from '../../../src/consul/json.ts';
import { ConsulError, IdentityError } from '../../../src/errors.ts';
import { buildTrustBundle } from '../../../src/identity/trust-bundle.ts';
import { orOwnError, spoilt, withWrongTypes } from '../bytes.ts';
import { runs } from '../property-runs.ts';

const root = {
  ID: 'a',
  Name: 'Consul CA Root Cert',
  Active: true,
  RootCert: '-----BEGIN CERTIFICATE-----\n',
  IntermediateCerts: ['x', null],
};
const answer = {
  ActiveRootID: 'a',
  TrustDomain: 'b.consul',
  Roots: [root, { ...root, ID: 'b', Active: false }],
};
const leaf = { SerialNumber: '01', CertPEM: 'certificate', PrivateKeyPEM: 'key', Service: 'ambassador' };

const json = (value: unknown): string => JSON.stringify(value);
const anything = fc.oneof(
  fc.string(),
  fc.json(),
  fc.constantFrom('<html>', '\ufeff{}', '{"__proto__":null}'),
);
const spoiltRoots = fc.array(fc.oneof(withWrongTypes(root), fc.jsonValue({ maxDepth: 1 })), { maxLength: 3 });
const rootsTexts = fc.oneof(
  anything,
  spoilt(json(answer)),
  withWrongTypes(answer).map(json),
  spoiltRoots.map((Roots) => json({ ...answer, Roots })),
);
const leafTexts = fc.oneof(anything, spoilt(json(leaf)), withWrongTypes(leaf).map(json));

test('any answer about the roots is a ConsulError or a list of the right types, which the trust bundle takes', () => {
  const property = fc.property(rootsTexts, fc.date({ noInvalidDate: true }), (text, date) => {
    const decoded = orOwnError(ConsulError, () => decodeRoots(text));
    if (decoded === undefined) return;

    assert.equal(typeof decoded.trustDomain, 'string');
    assert.ok(decoded.roots.length > 0);
    for (const { id, active, certificatePem, intermediatePems } of decoded.roots) {
      const types = [id, active, certificatePem, ...intermediatePems].map((value) => typeof value);
      assert.deepEqual(types.toSpliced(1, 1), intermediatePems.concat('', '').fill('string'));
      assert.equal(typeof active, 'boolean');
    }
    orOwnError(IdentityError, () => buildTrustBundle(decoded, date.getTime()));
  });
  fc.assert(property, runs(1_000));
});

test('any answer about the leaf is a ConsulError or a certificate and a key as text', () => {
  const property = fc.property(leafTexts, (text) => {
    const decoded = orOwnError(ConsulError, () => decodeLeaf(text));
    if (decoded === undefined) return;
    assert.ok(typeof decoded.certificatePem === 'string' && decoded.certificatePem !== '');
    assert.ok(typeof decoded.privateKeyPem === 'string' && decoded.privateKeyPem !== '');
  });
  fc.assert(property, runs(1_000));
});

test('an error about an answer never quotes it', () => {
  const secret = 'MHcCAQEEIFsecret';
  const texts = spoilt(json({ ...leaf, PrivateKeyPEM: secret })).filter((text) => text.includes(secret));
  const property = fc.property(texts, (text) => {
    for (const decode of [decodeLeaf, decodeRoots]) {
      try {
        decode(text);
      } catch (error) {
        assert.ok(error instanceof ConsulError);
        assert.doesNotMatch(json([error.message, error.remedy, String(error.cause)]), /secret/);
      }
    }
  });
  fc.assert(property, runs(300));
});

test('every JSON object is read as it is', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      assert.equal(json(parseObject(json(value), 'it')), json(value));
    }),
  );
});
