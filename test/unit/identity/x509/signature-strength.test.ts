import assert from 'node:assert/strict';
import { test } from 'node:test';
import asn1 from 'node-forge/lib/asn1.js';
import type { Asn1 } from '../../../../src/identity/x509/asn1.ts';
import { weaknessOfSignature } from '../../../../src/identity/x509/strength.ts';

const RSA_PSS = '1.2.840.113549.1.1.10';
const SHA_1 = '1.3.14.3.2.26';
const SHA_256 = '2.16.840.1.101.3.4.2.1';

function sequence(...parts: Asn1[]): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, parts);
}

function oid(dotted: string): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OID, false, asn1.oidToDer(dotted).getBytes());
}

/** The parameters of RSA-PSS with this hash (RFC 4055 section 3.1). */
function hashed(hash: string): Asn1 {
  return sequence(asn1.create(asn1.Class.CONTEXT_SPECIFIC, 0, true, [sequence(oid(hash))]));
}

for (const [what, parameters, weakness] of [
  ['SHA-256', [hashed(SHA_256)], undefined],
  ['SHA-1', [hashed(SHA_1)], 'is signed with SHA-1, not with SHA-2'],
  ['no parameters, which means SHA-1', [], 'is signed with SHA-1, not with SHA-2'],
  ['empty parameters, which mean SHA-1', [sequence()], 'is signed with SHA-1, not with SHA-2'],
] as const) {
  test(`I2: an RSA-PSS signature with ${what} is ${weakness === undefined ? 'strong' : 'weak'}`, () => {
    const certificate = sequence(sequence(), sequence(oid(RSA_PSS), ...parameters));

    assert.equal(weaknessOfSignature(certificate), weakness);
  });
}
