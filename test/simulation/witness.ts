import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Published } from '../../src/identity/published.ts';

/** When a published identity works, in milliseconds since the epoch, both ends included. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/**
 * When `published` works for a peer that trusts `rootPems`: judged with node alone and by its own search for a path, without
 * `identity/`. Undefined without a path to a root, or with another SPIFFE ID or the key of another certificate.
 */
export function windowOf(published: Published, rootPems: readonly string[], uri: string): Window | undefined {
  const [leaf, ...intermediates] = readAll(published.certificatePem);
  if (leaf === undefined || leaf.subjectAltName !== `URI:${uri}`) return undefined;
  if (!leaf.checkPrivateKey(createPrivateKey(published.privateKeyPem))) return undefined;
  const path = [leaf, ...intermediates];
  const isOrdered = path.every((certificate, at) => {
    const issuer = path[at + 1];
    return issuer === undefined || certificate.verify(issuer.publicKey);
  });
  if (!isOrdered) return undefined;
  const roots = rootPems.flatMap(readAll);
  const windows = path.flatMap((last, at) =>
    roots
      .filter((root) => last.verify(root.publicKey))
      .map((root) => intersection([...path.slice(0, at + 1), root])),
  );
  return windows.sort((a, b) => b.to - b.from - (a.to - a.from))[0];
}

export function fingerprints(pem: string): ReadonlySet<string> {
  return new Set(readAll(pem).map(({ fingerprint256 }) => fingerprint256));
}

/** The certificates of a PEM text, in order. */
export function readAll(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

function intersection(path: readonly X509Certificate[]): Window {
  return {
    from: Math.max(...path.map(({ validFrom }) => Date.parse(validFrom))),
    to: Math.min(...path.map(({ validTo }) => Date.parse(validTo))),
  };
}
