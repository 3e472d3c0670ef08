import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Published } from './scenario.ts';

/** The files of a gateway. */
export interface Material {
  readonly tlsCrt: string;
  readonly tlsKey: string;
  readonly caCrt: string;
}

/** The part of Consul's answers that must be in them. */
export interface Given {
  /** `CertPEM` of the leaf that is to be published. */
  readonly leafPem: string;
  /** The `RootCert` of every root. */
  readonly rootPems: readonly string[];
}

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The files that are published in a folder; undefined if there are none. */
export function publishedIn(directory: string): Material | undefined {
  if (!existsSync(directory)) return undefined;
  const [tlsCrt = '', tlsKey = '', caCrt = ''] = ['tls.crt', 'tls.key', 'ca.crt'].map((name) =>
    readFileSync(join(directory, name), 'utf8'),
  );
  return { tlsCrt, tlsKey, caCrt };
}

/** Which set of files is the current one: each write makes another. */
export function currentSet(directory: string): string {
  return readlinkSync(join(directory, '..current'));
}

/** The data of the Secret in rendered manifests. */
export function renderedIn(yaml: string): Material {
  const secret = parseAllDocuments(yaml).find((document) => document.get('kind') === 'Secret');
  const [tlsCrt = '', tlsKey = '', caCrt = ''] = ['tls.crt', 'tls.key', 'ca.crt'].map((name) =>
    Buffer.from(String(secret?.getIn(['data', name])), 'base64').toString(),
  );
  return { tlsCrt, tlsKey, caCrt };
}

/** Checks by Node's X509Certificate, without `src/`: the leaf and all roots of Consul's answers, and one clean chain. */
export function assertWorks(material: Material, { leafPem, rootPems }: Given, { chain, roots }: Published) {
  const certificates = certificatesOf(material.tlsCrt);
  const [leaf] = certificates;
  const anchors = certificatesOf(material.caCrt);
  assert.equal(leaf?.fingerprint256, certificatesOf(leafPem)[0]?.fingerprint256, 'the leaf that was given');
  assert.ok(leaf?.checkPrivateKey(createPrivateKey(material.tlsKey)), 'the key is that of the leaf');
  assert.deepEqual(
    anchors.map(({ fingerprint256 }) => fingerprint256).sort(),
    rootPems.flatMap((pem) => certificatesOf(pem).map(({ fingerprint256 }) => fingerprint256)).sort(),
    'the roots that were given',
  );
  assert.equal(anchors.length, roots, 'so many roots');
  assert.equal(certificates.length, chain, 'so many certificates');
  const prints = new Set([...certificates, ...anchors].map(({ fingerprint256 }) => fingerprint256));
  assert.equal(prints.size, chain + roots, 'none twice');
  certificates.forEach((certificate, place) => {
    const next = certificates[place + 1];
    const issuers = next === undefined ? anchors : [next];
    assert.ok(
      issuers.some((issuer) => issuer.ca && certificate.verify(issuer.publicKey)),
      `certificate ${place} is signed by the next, and the last by a root`,
    );
  });
}

function certificatesOf(pem: string): X509Certificate[] {
  return (pem.match(BLOCK) ?? []).map((block) => new X509Certificate(block));
}
