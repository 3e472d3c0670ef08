import assert from 'node:assert/strict';
import { test } from 'node:test';
import { weaknessOfSignature } from '../../../../src/identity/x509/strength.ts';
import { type Asn1, constructed, objectId, sequence } from '../../../fixtures/certificates/asn1.ts';

const RSA_PSS = '1.2.840.113549.1.1.10';
const SHA_1 = '1.3.14.3.2.26';
const SHA_256 = '2.16.840.1.101.3.4.2.1';

/** The parameters of RSA-PSS with this hash (RFC 4055 section 3.1). */
function hashed(hash: string): Asn1 {
  return sequence(constructed(0, sequence(objectId(hash))));
}

for (const [what, parameters, weakness] of [
  ['SHA-256', [hashed(SHA_256)], undefined],
  ['SHA-1', [hashed(SHA_1)], 'is signed with SHA-1, not with SHA-2'],
  ['no parameters, which means SHA-1', [], 'is signed with SHA-1, not with SHA-2'],
  ['empty parameters, which mean SHA-1', [sequence()], 'is signed with SHA-1, not with SHA-2'],
] as const) {
  test(`I2: an RSA-PSS signature with ${what} is ${weakness === undefined ? 'strong' : 'weak'}`, () => {
    const certificate = sequence(sequence(), sequence(objectId(RSA_PSS), ...parameters));

    assert.equal(weaknessOfSignature(certificate), weakness);
  });
}
