import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { IdentityError } from '../../../../src/errors.ts';
import { verifyIdentity, verifyServed } from '../../../../src/identity/identity.ts';
import { decide } from '../../../../src/identity/policy/decide.ts';
import { buildTrustBundle } from '../../../../src/identity/trust-bundle.ts';
import { readCertificates } from '../../../../src/identity/x509/certificate.ts';
import { readPem, writePem } from '../../../../src/identity/x509/pem.ts';
import { readPrivateKey } from '../../../../src/identity/x509/private-key.ts';
import { orOwnError, spoilt } from '../../bytes.ts';
import { runs } from '../../property-runs.ts';
import { bundleOf, listing, NOW, newLeaf, newRoot, SERVICE } from '../support.ts';

const root = await newRoot();
const middle = await root.issueIntermediate();
const leaf = await newLeaf(middle);
const bundle = bundleOf(root);
const whole = [leaf.chainPem, root.certPem, leaf.keyPem, middle.certPem + leaf.certPem];

/** The PEM of a certificate or key whose DER was changed: PEM readers accept it, so ASN.1 readers meet it. */
function damaged(pem: string): fc.Arbitrary<string> {
  const [block] = readPem(pem, 'it');
  if (block === undefined) throw new Error('a block was expected');
  const { label, der } = block;
  const flips = fc.array(fc.tuple(fc.nat({ max: der.length - 1 }), fc.nat({ max: 255 })), {
    minLength: 1,
    maxLength: 4,
  });
  return fc.tuple(flips, fc.integer({ min: 1, max: der.length })).map(([changes, length]) => {
    const changed = Buffer.from(der);
    for (const [at, byte] of changes) changed[at] = byte;
    return writePem({ label, der: length % 4 === 0 ? changed.subarray(0, length) : changed });
  });
}

const bytes = fc.uint8Array({ minLength: 1, maxLength: 80 }).map((der) => Buffer.from(der));
const texts = fc.oneof(
  fc.constantFrom(...whole),
  fc.string(),
  bytes.map((der) => writePem({ label: 'CERTIFICATE', der })),
  bytes.map((der) => writePem({ label: 'EC PRIVATE KEY', der })),
  ...whole.map(spoilt),
  ...[leaf.certPem, root.certPem, leaf.keyPem].map(damaged),
);

test('whatever is read as certificates, key or identity throws nothing but an IdentityError', () => {
  const property = fc.property(texts, texts, (certificatePem, privateKeyPem) => {
    orOwnError(IdentityError, () => readCertificates(certificatePem, 'it'));
    orOwnError(IdentityError, () => readPrivateKey(privateKeyPem));
    for (const key of [privateKeyPem, leaf.keyPem]) {
      const material = { certificatePem, privateKeyPem: key };
      orOwnError(IdentityError, () => verifyIdentity(material, SERVICE, bundle, NOW));
      orOwnError(IdentityError, () => verifyServed(material, SERVICE, bundle, NOW));
    }
  });
  fc.assert(property, runs(300));
});

test('whatever Consul lists as roots throws nothing but an IdentityError, and no decision fails', () => {
  const property = fc.property(texts, texts, texts, fc.boolean(), (first, second, between, active) => {
    const listed = listing(
      { id: 'a', active: true, certificatePem: active ? first : root.certPem, intermediatePems: [between] },
      { id: 'b', active: false, certificatePem: second, intermediatePems: [first, second] },
    );
    const made = orOwnError(IdentityError, () => buildTrustBundle(listed, NOW));
    if (!active) assert.ok(made, 'only the active root may spoil the bundle');
    if (made === undefined) return;
    const candidate = { certificatePem: leaf.certPem + between, privateKeyPem: leaf.keyPem };
    const published = { ...candidate, caPem: second, upstreamCaPem: second };
    decide({ published, candidate, service: SERVICE, bundle: made, at: NOW, upstream: { rootsSince: NOW } });
  });
  fc.assert(property, runs(200));
});
