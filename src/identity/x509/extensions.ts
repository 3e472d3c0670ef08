import type { asn1 as Asn1Types } from 'node-forge';
import asn1 from 'node-forge/lib/asn1.js';

/** What chain building needs of a certificate's extensions and `node:crypto` does not offer. */
export interface Extensions {
  /** Subject key identifier in hex (RFC 5280 section 4.2.1.2). */
  readonly subjectKeyId: string | undefined;
  /** The key identifier of the authority key identifier, in hex (RFC 5280 section 4.2.1.1). */
  readonly authorityKeyId: string | undefined;
  /** Every URI of the subject alternative name (RFC 5280 section 4.2.1.6). */
  readonly uris: readonly string[];
  /** How many intermediates may follow below this CA (RFC 5280 section 4.2.1.9); undefined: any number. */
  readonly pathLength: number | undefined;
  /** Whether its key may sign in a TLS handshake (RFC 5280 section 4.2.1.3); without a key usage it may do anything. */
  readonly allowsSigning: boolean;
  /** Whether it has a critical extension that OpenSSL does not know and so must refuse (RFC 5280 section 4.2). */
  readonly hasUnknownCritical: boolean;
}

const OID = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
};
/** Beside those above: certificate policies and their kin, name constraints, CRL places, extended key usage, proxies. */
const ALSO_KNOWN = [
  '2.5.29.30',
  '2.5.29.31',
  '2.5.29.32',
  '2.5.29.33',
  '2.5.29.36',
  '2.5.29.37',
  '2.5.29.54',
  '1.3.6.1.5.5.7.1.14',
  '2.16.840.1.113730.1.1',
];
const MAY_BE_CRITICAL: ReadonlySet<string> = new Set([
  OID.keyUsage,
  OID.subjectAltName,
  OID.basicConstraints,
  ...ALSO_KNOWN,
]);
/** Bits of the first byte of a key usage. */
const DIGITAL_SIGNATURE = 0x80;
const KEY_AGREEMENT = 0x08;
const EXTENSIONS_TAG = 3;
const URI_TAG = 6;

/**
 * Reads the extensions of a DER certificate that `X509Certificate` has already accepted. node-forge cannot read EC
 * certificates as such, but its ASN.1 reader does not care about the key.
 *
 * @throws Error when the DER is not that of a certificate
 */
export function readExtensions(der: Buffer): Extensions {
  const certificate = asn1.fromDer(der.toString('binary'));
  const [toBeSigned] = children(certificate);
  const wrapper = children(toBeSigned).find(
    (node) => node.tagClass === asn1.Class.CONTEXT_SPECIFIC && node.type === EXTENSIONS_TAG,
  );
  const extensions = children(children(wrapper)[0]).map(readExtension);
  const values = new Map(extensions.map(({ oid, value }) => [oid, value]));
  const subjectKeyId = values.get(OID.subjectKeyId);
  const authorityKeyId = children(values.get(OID.authorityKeyId)).find((node) => isContext(node, 0));
  return {
    subjectKeyId: hex(subjectKeyId),
    authorityKeyId: hex(authorityKeyId),
    uris: children(values.get(OID.subjectAltName))
      .filter((node) => isContext(node, URI_TAG))
      .map((node) => Buffer.from(bytes(node), 'binary').toString('utf8')),
    pathLength: readPathLength(values.get(OID.basicConstraints)),
    allowsSigning: readAllowsSigning(values.get(OID.keyUsage)),
    hasUnknownCritical: extensions.some(({ oid, critical }) => critical && !MAY_BE_CRITICAL.has(oid)),
  };
}

interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  readonly value: Asn1Types.Asn1;
}

function readExtension(extension: Asn1Types.Asn1): Extension {
  const parts = children(extension);
  // Extension ::= SEQUENCE { extnID, critical DEFAULT FALSE, extnValue OCTET STRING }: the value stands last.
  const [id, flag] = parts;
  return {
    oid: asn1.derToOid(bytes(id)),
    critical: flag?.type === asn1.Type.BOOLEAN && bytes(flag) !== '\0',
    value: asn1.fromDer(bytes(parts[parts.length - 1])),
  };
}

function readAllowsSigning(keyUsage: Asn1Types.Asn1 | undefined): boolean {
  if (keyUsage === undefined) return true;
  // The first byte of a BIT STRING counts its unused bits.
  const bits = Buffer.from(bytes(keyUsage), 'binary').at(1) ?? 0;
  return (bits & (DIGITAL_SIGNATURE | KEY_AGREEMENT)) !== 0;
}

function readPathLength(basicConstraints: Asn1Types.Asn1 | undefined): number | undefined {
  const length = children(basicConstraints).find((node) => node.type === asn1.Type.INTEGER);
  return length === undefined ? undefined : Number.parseInt(hex(length) ?? '', 16);
}

function children(node: Asn1Types.Asn1 | undefined): readonly Asn1Types.Asn1[] {
  return node !== undefined && Array.isArray(node.value) ? node.value : [];
}

function bytes(node: Asn1Types.Asn1 | undefined): string {
  if (node === undefined || typeof node.value !== 'string')
    throw new Error('an ASN.1 primitive was expected');
  return node.value;
}

function hex(node: Asn1Types.Asn1 | undefined): string | undefined {
  return node === undefined ? undefined : Buffer.from(bytes(node), 'binary').toString('hex');
}

function isContext(node: Asn1Types.Asn1, tag: number): boolean {
  return node.tagClass === asn1.Class.CONTEXT_SPECIFIC && node.type === tag;
}
