import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Published } from '../../../../src/identity/published.ts';
import { readCertificates } from '../../../../src/identity/x509/certificate.ts';
import {
  bundleOf,
  carriedOut,
  decideOn,
  HOUR,
  LIFETIME,
  material,
  NOW,
  newLeaf,
  newRoot,
  publishedAs,
  SECOND,
} from '../support.ts';

const root = await newRoot();
const signed = await newRoot({ name: 'signed by two' });
const bundle = bundleOf(root);
const leaf = await newLeaf(signed);
const dying = root.crossSign(signed, { notAfter: new Date(NOW + HOUR) });
const lasting = root.crossSign(signed);

/** What is published at each moment in which it is looked at, from NOW to `until`. */
function history(first: Published, candidate: Parameters<typeof decideOn>[0]['candidate'], until: number) {
  const looks: { at: number; published: Published; isWritten: boolean }[] = [];
  let published = first;
  let at = NOW;
  while (at < until) {
    const decided = decideOn({ published, candidate, bundle, at });
    published = carriedOut(decided, published) ?? published;
    looks.push({ at, published, isWritten: decided.writesLeaf });
    at = decided.recheckAt;
  }
  return looks;
}

test('I1: a chain whose intermediate expires is replaced before that by the same leaf with the other path, once', () => {
  const first = { ...publishedAs(leaf, bundle), certificatePem: leaf.certPem + dying.certPem };
  const offered = { ...material(leaf), certificatePem: leaf.certPem + dying.certPem + lasting.certPem };

  const looks = history(first, offered, NOW + 20 * HOUR);

  const writes = looks.filter(({ isWritten }) => isWritten);
  assert.equal(writes.length, 1);
  assert.ok((writes[0]?.at ?? NOW + HOUR) < NOW + HOUR);
  for (const { at, published } of looks) {
    const served = readCertificates(published.certificatePem, 'tls.crt');
    assert.ok(served.every(({ notAfter }) => at < notAfter));
    assert.equal(published.privateKeyPem, leaf.keyPem);
  }
});

test('I1: the other path replaces it before the end too where the leaf itself is old', async () => {
  const old = await newLeaf(signed, { from: NOW - 0.65 * LIFETIME });
  const first = { ...publishedAs(old, bundle), certificatePem: old.certPem + dying.certPem };
  const offered = { ...material(old), certificatePem: old.certPem + lasting.certPem };

  const looks = history(first, offered, NOW + HOUR);

  const writes = looks.filter(({ isWritten }) => isWritten);
  assert.equal(writes.length, 1);
  assert.ok((writes[0]?.at ?? NOW + HOUR) < NOW + HOUR - 30 * SECOND);
});

test('I1: a leaf of 72 h below an intermediate with 45 s left is replaced at once by a better one', async () => {
  const ending = await root.issueIntermediate({ notAfter: new Date(NOW + 45 * SECOND) });
  const published = publishedAs(await newLeaf(ending, { from: NOW - HOUR, lasts: 72 * HOUR }), bundle);
  const candidate = material(await newLeaf(root));

  const { writesLeaf, reason } = decideOn({ published, candidate, bundle });

  assert.equal(writesLeaf, true);
  assert.match(reason ?? '', /^renewal-due: the published leaf has 1 % of its lifetime left/);
});
