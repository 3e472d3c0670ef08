import asn1 from 'node-forge/lib/asn1.js';
import { type Asn1, bytes, children, hex, isContext, oid, text } from './asn1.ts';
import { type NameConstraints, readNameConstraints } from './name-constraints.ts';

/** The extensions that chain building needs and `node:crypto` does not provide. */
export interface Extensions {
  /** Subject key identifier in hex (RFC 5280 section 4.2.1.2). */
  readonly subjectKeyId: string | undefined;
  /** The key identifier of the authority key identifier, in hex (RFC 5280 section 4.2.1.1). */
  readonly authorityKeyId: string | undefined;
  /** Every URI of the subject alternative name (RFC 5280 section 4.2.1.6). */
  readonly uris: readonly string[];
  /** How many intermediates may follow below this CA (RFC 5280 section 4.2.1.9); undefined: any number. */
  readonly pathLength: number | undefined;
  /** Whether its key may sign in a TLS handshake (RFC 5280 section 4.2.1.3); true without a key usage. */
  readonly allowsSigning: boolean;
  /** Whether it has a critical extension that OpenSSL does not support and so must reject (RFC 5280 section 4.2). */
  readonly hasUnknownCritical: boolean;
  /** The names that a CA may certify (RFC 5280 section 4.2.1.10); undefined: any name. */
  readonly nameConstraints: NameConstraints | undefined;
}

const OID = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyId: '2.5.29.35',
};
/** In addition: certificate policies and related extensions, CRL distribution points, extended key usage, proxies. */
const ALSO_KNOWN = [
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
  OID.nameConstraints,
  ...ALSO_KNOWN,
]);
/** Bits of the first byte of a key usage. */
const DIGITAL_SIGNATURE = 0x80;
const KEY_AGREEMENT = 0x08;
const EXTENSIONS_TAG = 3;
const URI_TAG = 6;

/**
 * Reads the extensions of a certificate that `X509Certificate` has already accepted.
 *
 * @throws Error if it is not a certificate
 */
export function readExtensions(certificate: Asn1): Extensions {
  const [toBeSigned] = children(certificate);
  const wrapper = children(toBeSigned).find(
    (node) => node.tagClass === asn1.Class.CONTEXT_SPECIFIC && node.type === EXTENSIONS_TAG,
  );
  const extensions = children(children(wrapper)[0]).map(readExtension);
  // Only the needed ones are parsed: a private extension may contain anything.
  const parse = (wanted: string): Asn1 | undefined => {
    const value = extensions.find(({ id }) => id === wanted)?.value;
    return value === undefined ? undefined : asn1.fromDer(value);
  };
  const subjectKeyId = parse(OID.subjectKeyId);
  const authorityKeyId = children(parse(OID.authorityKeyId)).find((node) => isContext(node, 0));
  return {
    subjectKeyId: hex(subjectKeyId),
    authorityKeyId: hex(authorityKeyId),
    uris: children(parse(OID.subjectAltName))
      .filter((node) => isContext(node, URI_TAG))
      .map(text),
    pathLength: readPathLength(parse(OID.basicConstraints)),
    allowsSigning: readAllowsSigning(parse(OID.keyUsage)),
    hasUnknownCritical: extensions.some(({ id, critical }) => critical && !MAY_BE_CRITICAL.has(id)),
    nameConstraints: readNameConstraints(parse(OID.nameConstraints)),
  };
}

interface Extension {
  /** Dotted. */
  readonly id: string;
  readonly critical: boolean;
  /** A binary string, DER if the extension is defined so. */
  readonly value: string;
}

function readExtension(extension: Asn1): Extension {
  const parts = children(extension);
  // Extension ::= SEQUENCE { extnID, critical DEFAULT FALSE, extnValue OCTET STRING }: the value is last.
  const [id, flag] = parts;
  return {
    id: oid(id),
    critical: flag?.type === asn1.Type.BOOLEAN && bytes(flag) !== '\0',
    value: bytes(parts[parts.length - 1]),
  };
}

function readAllowsSigning(keyUsage: Asn1 | undefined): boolean {
  if (keyUsage === undefined) return true;
  // The first byte of a BIT STRING counts its unused bits.
  const bits = Buffer.from(bytes(keyUsage), 'binary').at(1) ?? 0;
  return (bits & (DIGITAL_SIGNATURE | KEY_AGREEMENT)) !== 0;
}

function readPathLength(basicConstraints: Asn1 | undefined): number | undefined {
  const length = children(basicConstraints).find((node) => node.type === asn1.Type.INTEGER);
  return length === undefined ? undefined : Number.parseInt(hex(length) ?? '', 16);
}
