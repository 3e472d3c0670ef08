import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { type Bed, certificates } from './bed.ts';
import { eventually } from './eventually.ts';

const NORMAL_PEM =
  /^(-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/=]{64}\n)*[A-Za-z0-9+/=]{1,64}\n-----END CERTIFICATE-----\n)+$/;

/** Resolves when the present root and leaf are published: the bundle begins with the root, which signed the leaf. */
export async function assertPublishes(bed: Bed, withinMs: number): Promise<void> {
  const root = new X509Certificate(bed.consul.activeRoot.authority.certPem);
  const isPublished = () => {
    const [anchor] = certificates(bed.entry('ca.crt'));
    const [leaf] = certificates(bed.entry('tls.crt'));
    return anchor?.fingerprint256 === root.fingerprint256 && leaf?.verify(root.publicKey) === true;
  };
  await eventually('the good answer is published', isPublished, withinMs);
}

/**
 * Asserts that one clean path to an anchor of `ca.crt` is published, in normal PEM, with the key of its leaf. Returns the path,
 * the leaf first.
 */
export function publishedPath(bed: Bed): readonly X509Certificate[] {
  const [tlsCrt, caCrt] = [bed.entry('tls.crt'), bed.entry('ca.crt')];
  assert.match(tlsCrt, NORMAL_PEM);
  assert.match(caCrt, NORMAL_PEM);
  const path = certificates(tlsCrt);
  const [leaf] = path;
  assert.ok(leaf?.checkPrivateKey(createPrivateKey(bed.entry('tls.key'))), 'the key is that of the leaf');
  for (const [index, certificate] of path.entries()) {
    const next = path[index + 1];
    const issuers = next === undefined ? certificates(caCrt) : [next];
    assert.ok(
      issuers.some((issuer) => certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)),
      `certificate ${index} of ${path.length} is not signed by what follows it`,
    );
  }
  return path;
}

/** Asserts that these are the same certificates, in the same order. */
export function assertSame(found: readonly X509Certificate[], ...expectedPems: readonly string[]): void {
  assert.deepEqual(
    found.map(({ fingerprint256 }) => fingerprint256),
    expectedPems.map((pem) => new X509Certificate(pem).fingerprint256),
  );
}

/** At most five requests at once, and then one a second; one more may be under way. */
export function assertBounded(requests: number, withinMs: number): void {
  const most = 5 + 1 + withinMs / 1_000;
  assert.ok(requests <= most, `${requests} requests in ${withinMs} ms, at most ${most} allowed`);
}
