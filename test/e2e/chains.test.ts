import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRoot, type KeyFormat, type KeyType } from '../fixtures/certificates/factory.ts';
import { eachRoot, issue, leaf } from './support/answers.ts';
import { type Bed, makeBed } from './support/bed.ts';
import { useHolds } from './support/holds.ts';
import { assertSame, publishedPath } from './support/published.ts';

describe('a leaf and its chain', () => {
  const holds = useHolds();

  test('9: chain out of order, duplicated, an expired cross-signed certificate beside it: published as one clean path', async (t) => {
    const bed = await makeBed(t);
    const { upper, lower, issued } = await twoIntermediates(bed);
    const previous = await createRoot({ trustDomain: bed.consul.trustDomain });
    const expired = previous.crossSign(bed.consul.activeRoot.authority, {
      notBefore: new Date('2020-01-01'),
      notAfter: new Date('2021-01-01'),
    });
    const disorder = [upper, lower, expired, issued, upper, lower].map(({ certPem }) => certPem).join('');
    bed.consul.script('leaf', leaf(issued, disorder));

    await bed.startReady();

    assertSame(publishedPath(bed), issued.certPem, lower.certPem, upper.certPem);
  });

  test('9: chain that lacks its intermediate, which IntermediateCerts has: filled', async (t) => {
    const bed = await makeBed(t);
    const middle = await bed.consul.activeRoot.authority.issueIntermediate();
    const issued = await middle.issueLeaf({ service: 'ambassador' });
    bed.consul.script(
      'roots',
      eachRoot((root) => ({ ...root, IntermediateCerts: [middle.certPem] })),
    );
    bed.consul.script('leaf', leaf(issued, issued.certPem));

    await bed.startReady();

    assertSame(publishedPath(bed), issued.certPem, middle.certPem);
  });

  test('I5: a private key among the certificates of leaf or root is stripped, with a warning that names where', async (t) => {
    const bed = await makeBed(t);
    const issued = await issue(bed, {});
    bed.consul.script('leaf', leaf(issued, issued.chainPem + issued.keyPem));
    bed.consul.script(
      'roots',
      eachRoot((root) => ({ ...root, RootCert: issued.keyPem + root.RootCert })),
    );

    const daemon = await bed.startReady();

    publishedPath(bed);
    for (const key of ['tls.crt', 'ca.crt']) assert.doesNotMatch(bed.entry(key), /PRIVATE KEY/);
    const message = 'removed private keys from among certificates of Consul';
    const { id } = bed.consul.activeRoot;
    for (const where of ['CertPEM of the leaf', `RootCert of root ${id}`])
      await daemon.line((line) => line['msg'] === message && String(line['where']) === where);
    const once = bed.start({}, ['once']);
    assert.equal((await once.exited).code, 0);
    assert.equal(once.logs.filter(({ msg }) => msg === message).length, 2);
  });

  test('10: empty subject and issuer DNs in leaf and intermediate: chain still built', async (t) => {
    const bed = await makeBed(t);
    const { upper, lower, issued } = await twoIntermediates(bed, { emptyDn: true });
    bed.consul.script('leaf', leaf(issued, issued.certPem + upper.certPem + lower.certPem));

    await bed.startReady();

    assertSame(publishedPath(bed), issued.certPem, lower.certPem, upper.certPem);
  });

  for (const [what, keyType, keyFormat, rootKeyType] of [
    ['EC P-384', 'ec-p384', 'sec1', 'ec-p384'],
    ['RSA 2048 leaf with a PKCS#1 key', 'rsa-2048', 'pkcs1', 'rsa-2048'],
  ] satisfies [string, KeyType, KeyFormat, KeyType][]) {
    test(`11: ${what}: published`, async (t) => {
      const bed = await makeBed(t, { consul: { rootKeyType } });
      const issued = await issue(bed, { keyType, keyFormat });
      bed.consul.script('leaf', leaf(issued, issued.chainPem));

      await bed.startReady();

      assertSame(publishedPath(bed), issued.certPem);
    });
  }

  test('12: key of another certificate: holds', () =>
    holds({
      target: 'leaf',
      script: async (bed) => leaf(await issue(bed), (await issue(bed)).chainPem),
      code: 'KEY_MISMATCH',
      error: /key belongs to none of the certificates/,
      remedy: /restart the Consul agent/,
    }));

  test('12: SPIFFE URI of another service: holds', () =>
    holds({
      target: 'leaf',
      script: async (bed) => {
        const issued = await issue(bed, { service: 'web' });
        return leaf(issued, issued.chainPem);
      },
      code: 'WRONG_SERVICE',
      error: /asked for was service ambassador/,
      remedy: /_CONSUL_SERVICE/,
    }));
});

async function twoIntermediates(bed: Bed, options: { emptyDn?: boolean } = {}) {
  const upper = await bed.consul.activeRoot.authority.issueIntermediate(options);
  const lower = await upper.issueIntermediate(options);
  const issued = await lower.issueLeaf({ service: 'ambassador', ...options });
  return { upper, lower, issued };
}
