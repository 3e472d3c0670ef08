import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import type { LeafJson, RootJson, RootsJson } from '../../fixtures/consul/wire.ts';
import type { Answer } from './servers.ts';

const PEM_BLOCK = /-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----\n/g;

export function readRoots(answer: Answer): RootsJson {
  assert.equal(answer.status, 200, answer.text);
  return JSON.parse(answer.text);
}

export function readLeaf(answer: Answer): LeafJson {
  assert.equal(answer.status, 200, answer.text);
  return JSON.parse(answer.text);
}

export function activeRoot(roots: RootsJson): RootJson {
  const [active, ...others] = roots.Roots.filter((root) => root.Active);
  assert.ok(active !== undefined && others.length === 0, 'one root is active');
  assert.equal(active.ID, roots.ActiveRootID);
  return active;
}

/** The certificates of a PEM text, which must contain nothing else. */
export function certificatesOf(pem: string): X509Certificate[] {
  const blocks = pem.match(PEM_BLOCK) ?? [];
  assert.equal(blocks.join(''), pem, 'certificates and nothing else');
  return blocks.map((block) => new X509Certificate(block));
}

export function isSignedBy(certificate: X509Certificate | undefined, issuer: X509Certificate): boolean {
  return certificate?.verify(issuer.publicKey) === true;
}

export function indexOf(answer: Answer): bigint {
  const index = answer.header('x-consul-index') ?? '';
  assert.match(index, /^\d+$/);
  return BigInt(index);
}

/** The names of an object's keys, each with the type of its value. */
export function typesOf(value: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(value).map(([key, item]: [string, unknown]) => [
      key,
      Array.isArray(item) ? 'list' : item === null ? 'null' : typeof item,
    ]),
  );
}

/** The same for keys, separated by spaces, that all have one type. */
export function typed(keys: string, type: string): Record<string, string> {
  return Object.fromEntries(keys.split(' ').map((key) => [key, type]));
}

/** As Go prints the times of a certificate. */
export function goTime(date: string): string {
  return new Date(date).toISOString().replace('.000Z', 'Z');
}
