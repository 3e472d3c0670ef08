import './reflect.ts';
import { randomBytes, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { type KeyPair, signingAlgorithm } from './keys.ts';

cryptoProvider.set(webcrypto);

/** Everything one certificate says, and the key that signs it. */
export interface CertificateContent {
  /** The common name; empty for an empty DN. */
  readonly subject: string;
  readonly issuer: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly ca: boolean;
  readonly pathLength?: number | undefined;
  readonly names: SubjectNames;
  readonly subjectKeyId?: string | undefined;
  readonly authorityKeyId?: string | undefined;
  readonly publicKey: webcrypto.CryptoKey;
  readonly issuerKeys: KeyPair;
  /** Beside the usual ones; of a kind that is usual, in its place. */
  readonly extensions?: readonly Extension[] | undefined;
}

export interface SubjectNames {
  readonly uris?: readonly string[] | undefined;
  readonly dnsNames?: readonly string[] | undefined;
  readonly ipAddresses?: readonly string[] | undefined;
}

/** A certificate that was signed, with its facts as they stand in it: dates lose their milliseconds. */
export interface SignedCertificate {
  readonly certPem: string;
  /** Upper-case hex without colons, as `X509Certificate.serialNumber` has it. */
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export async function signCertificate(content: CertificateContent): Promise<SignedCertificate> {
  const serial = randomSerial();
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial,
    subject: distinguishedName(content.subject),
    issuer: distinguishedName(content.issuer),
    notBefore: content.notBefore,
    notAfter: content.notAfter,
    publicKey: content.publicKey,
    signingKey: content.issuerKeys.privateKey,
    signingAlgorithm: signingAlgorithm(content.issuerKeys.type),
    extensions: withOthers(extensions(content), content.extensions ?? []),
  });
  return {
    certPem: `${certificate.toString('pem').trimEnd()}\n`,
    serial: serial.toUpperCase(),
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
  };
}

function extensions(content: CertificateContent): Extension[] {
  const usages = content.ca
    ? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature
    : KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment;
  const list: Extension[] = [
    new KeyUsagesExtension(usages, true),
    new BasicConstraintsExtension(content.ca, content.pathLength, true),
  ];
  if (!content.ca) {
    list.push(new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth]));
  }
  if (content.subjectKeyId !== undefined) list.push(new SubjectKeyIdentifierExtension(content.subjectKeyId));
  if (content.authorityKeyId !== undefined) {
    list.push(new AuthorityKeyIdentifierExtension(content.authorityKeyId));
  }
  const names = generalNames(content.names);
  // Critical where there is no subject to name the holder (RFC 5280 section 4.2.1.6).
  if (names.length > 0) list.push(new SubjectAlternativeNameExtension(names, content.subject === ''));
  return list;
}

function withOthers(usual: readonly Extension[], others: readonly Extension[]): Extension[] {
  const replaced = new Set(others.map(({ type }) => type));
  return [...usual.filter(({ type }) => !replaced.has(type)), ...others];
}

function generalNames(names: SubjectNames): { type: 'url' | 'dns' | 'ip'; value: string }[] {
  return [
    ...(names.uris ?? []).map((value) => ({ type: 'url' as const, value })),
    ...(names.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(names.ipAddresses ?? []).map((value) => ({ type: 'ip' as const, value })),
  ];
}

function distinguishedName(commonName: string): Name {
  return new Name(commonName === '' ? [] : [{ CN: [commonName] }]);
}

/** 127 bits, the first of them set: positive in DER and never padded (RFC 5280 section 4.1.2.2). */
function randomSerial(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0);
  return bytes.toString('hex');
}
