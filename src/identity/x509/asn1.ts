import type { asn1 as Asn1Types } from 'node-forge';
import asn1 from 'node-forge/lib/asn1.js';

// node-forge cannot read EC certificates, but its ASN.1 reader is independent of the key type.

export type Asn1 = Asn1Types.Asn1;

/** @throws Error if it is not DER */
export function fromDer(der: Buffer): Asn1 {
  return asn1.fromDer(der.toString('binary'));
}

/** The parts of a constructed value; empty for a primitive one. */
export function children(node: Asn1 | undefined): readonly Asn1[] {
  return node !== undefined && Array.isArray(node.value) ? node.value : [];
}

/** @throws Error if `node` is not primitive */
export function bytes(node: Asn1 | undefined): string {
  if (node === undefined || typeof node.value !== 'string')
    throw new Error('an ASN.1 primitive was expected');
  return node.value;
}

export function hex(node: Asn1 | undefined): string | undefined {
  return node === undefined ? undefined : Buffer.from(bytes(node), 'binary').toString('hex');
}

export function isContext(node: Asn1, tag: number): boolean {
  return node.tagClass === asn1.Class.CONTEXT_SPECIFIC && node.type === tag;
}

/** A dotted object identifier. */
export function oid(node: Asn1 | undefined): string {
  return asn1.derToOid(bytes(node));
}

export function text(node: Asn1): string {
  return Buffer.from(bytes(node), 'binary').toString('utf8');
}
