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
import { testDecisions } from './table.ts';

const root = await newRoot();
const signed = await newRoot({ name: 'signed by two' });
const bundle = bundleOf(root);
const leaf = await newLeaf(signed);
const dying = root.crossSign(signed, { notAfter: new Date(NOW + HOUR) });
const lasting = root.crossSign(signed);

/** What is published after each decision from NOW to `until`. */
function history(first: Published, candidate: Parameters<typeof decideOn>[0]['candidate'], until: number) {
  const decisions: { at: number; published: Published; isWritten: boolean }[] = [];
  let published = first;
  let at = NOW;
  while (at < until) {
    const decided = decideOn({ published, candidate, bundle, at });
    published = carriedOut(decided, published) ?? published;
    decisions.push({ at, published, isWritten: decided.writesLeaf });
    at = decided.recheckAt;
  }
  return decisions;
}

const old = await newLeaf(signed, { from: NOW - 0.65 * LIFETIME });

for (const [whose, served, offered] of [
  ['the leaf', leaf, [dying, lasting]],
  ['an older leaf', old, [lasting]],
] as const) {
  test(`I1: the chain of ${whose} is replaced once, before its intermediate expires, by one with the other path`, () => {
    const chainOf = (...above: readonly { certPem: string }[]) => ({
      ...material(served),
      certificatePem: [served, ...above].map(({ certPem }) => certPem).join(''),
    });

    const decisions = history({ ...chainOf(dying), caPem: bundle.pem }, chainOf(...offered), NOW + 20 * HOUR);

    const [write, ...others] = decisions.filter(({ isWritten }) => isWritten);
    assert.deepEqual(others, []);
    assert.ok((write?.at ?? NOW + HOUR) < NOW + HOUR - 30 * SECOND);
    for (const { at, published } of decisions) {
      const certificates = readCertificates(published.certificatePem, 'tls.crt');
      assert.ok(certificates.every(({ notAfter }) => at < notAfter));
      assert.equal(published.privateKeyPem, served.keyPem);
    }
  });
}

const ending = await root.issueIntermediate({ notAfter: new Date(NOW + 45 * SECOND) });

const usual = { bundle };

testDecisions(usual, {
  'I1: a leaf of 72 h below an intermediate with 45 s left is replaced at once by a better one': [
    {
      published: publishedAs(await newLeaf(ending, { from: NOW - HOUR, lasts: 72 * HOUR }), bundle),
      candidate: material(await newLeaf(root)),
    },
    { writes: 'leaf', cause: /^renewal-due: the published leaf has 1 % of its lifetime left/ },
  ],
});
