import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { lifetimeLeft } from '../../../../src/identity/identity.ts';
import {
  forgetUnusedCertificates,
  isSelfSigned,
  issuerOf,
  isValidAt,
  readCertificates,
} from '../../../../src/identity/x509/certificate.ts';
import { writePem } from '../../../../src/identity/x509/pem.ts';
import { textExtension } from '../../../fixtures/certificates/factory.ts';
import { certificateOf, HOUR, LIFETIME, NOW, newLeaf, newRoot, refusal } from '../support.ts';

const root = await newRoot({ name: 'Consul CA 7', pathLength: 3 });
const leaf = await newLeaf(root);

test('a certificate has its validity in milliseconds, its URIs and both key identifiers', () => {
  const { notBefore, notAfter, uris, authorityKeyId } = certificateOf(leaf);
  assert.deepEqual(
    { notBefore, notAfter, uris, authorityKeyId },
    { notBefore: NOW, notAfter: NOW + LIFETIME, uris: [leaf.uri], authorityKeyId: root.keyId },
  );
  assert.equal(certificateOf(root).subjectKeyId, root.keyId);
});

test('a certificate consists of plain values, not of objects that hold memory outside the heap', () => {
  const certificate = certificateOf(leaf);
  const present = Object.entries(certificate).filter(([, value]) => value !== undefined);
  assert.deepEqual(JSON.parse(JSON.stringify(certificate)), Object.fromEntries(present));
});

test('a certificate without key identifiers has none', async () => {
  const bare = certificateOf(await newLeaf(root, { keyIdentifiers: false }));
  assert.deepEqual([bare.subjectKeyId, bare.authorityKeyId], [undefined, undefined]);
});

test('the path length of a CA is read, also when it is zero', async () => {
  const none = await root.issueIntermediate();
  const zero = await root.issueIntermediate({ pathLength: 0 });
  const found = [root, zero, none].map((one) => certificateOf(one).pathLength);
  assert.deepEqual(found, [3, 0, undefined]);
});

test('only a certificate that its own key signed is self-signed', async () => {
  const namesake = await newRoot({ name: 'Consul CA 7', keyIdentifiers: false });
  const crossSigned = root.crossSign(namesake);
  assert.equal(isSelfSigned(certificateOf(root)), true);
  assert.equal(isSelfSigned(certificateOf(crossSigned)), false);
});

test('every certificate of a text is read, and other blocks are skipped', () => {
  const certificates = readCertificates(leaf.keyPem + leaf.certPem + root.certPem, 'it');
  const fingerprints = certificates.map(({ fingerprint }) => fingerprint);
  assert.deepEqual(fingerprints, [certificateOf(leaf).fingerprint, certificateOf(root).fingerprint]);
});

test('a text with only a key, and a block that is no certificate, are rejected', () => {
  const nonsense = writePem({ label: 'CERTIFICATE', der: Buffer.from('nonsense') });
  assert.throws(() => readCertificates(leaf.keyPem, 'it'), refusal('NO_CERTIFICATE'));
  assert.throws(() => readCertificates(leaf.certPem + nonsense, 'it'), refusal('CERTIFICATE_UNREADABLE'));
});

test('bytes after the certificate in its block are not published', () => {
  const der = Buffer.concat([new X509Certificate(leaf.certPem).raw, Buffer.from('stray')]);
  const read = certificateOf({ certPem: writePem({ label: 'CERTIFICATE', der }) });
  assert.equal(read.pem, certificateOf(leaf).pem);
});

test('a certificate is valid from its notBefore and, as for OpenSSL, no longer at its notAfter', () => {
  const certificate = certificateOf(leaf);
  const valid = [NOW - 1, NOW, NOW + LIFETIME - 1, NOW + LIFETIME].map((at) => isValidAt(certificate, at));
  assert.deepEqual(valid, [false, true, true, false]);
});

test('the share of the lifetime that is left goes from one to zero and below', () => {
  const certificate = certificateOf(leaf);
  const whole = { leaf: certificate, notAfter: certificate.notAfter };
  const left = [0, 60, 100, 150].map((hours) => lifetimeLeft(whole, NOW + hours * HOUR));
  assert.deepEqual(left, [1, 0.4, 0, -0.5]);
});

test('the issuer is shown by its name, and without one by its key (consul #16202)', async () => {
  const nameless = await newRoot({ emptyDn: true });
  assert.equal(issuerOf(certificateOf(leaf)), 'CN=Consul CA 7');
  assert.equal(issuerOf(certificateOf(await newLeaf(nameless))), `key ${nameless.keyId}`);
});

test('C4: a private extension whose value is plain text is ignored', async () => {
  const extensions = [textExtension('issued by the platform team')];
  const authority = await newRoot({ extensions });
  const issued = await newLeaf(authority, { extensions });
  assert.equal(certificateOf(authority).subjectKeyId, authority.keyId);
  assert.deepEqual(certificateOf(issued).uris, [issued.uri]);
  assert.equal(certificateOf(issued).hasUnknownCritical, false);
});

test('a parsed certificate is cached while decisions read it, in whatever text, and then dropped', async () => {
  const read = (text: string) => readCertificates(text, 'the text')[0];
  const [ofRoot, ofLeaf] = [read(root.certPem), read(leaf.chainPem)];

  for (let decision = 0; decision < 3; decision += 1) {
    assert.equal(read(root.certPem + leaf.chainPem), ofRoot);
    assert.equal(read(root.certPem.replaceAll('\n', '\r\n')), ofRoot);
    forgetUnusedCertificates();
  }
  assert.equal(read(leaf.chainPem), ofLeaf);

  forgetUnusedCertificates();
  forgetUnusedCertificates();
  assert.notEqual(read(root.certPem), ofRoot);
});
