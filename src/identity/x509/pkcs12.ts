import { createCipheriv, createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import type { asn1 as Asn1Types } from 'node-forge';
import asn1 from 'node-forge/lib/asn1.js';
import type { Asn1 } from './asn1.ts';

/** OpenSSL's default. More would not help: the unencrypted key is in the same folder. */
const ITERATIONS = 2_048;
/** RFC 7292 appendix B.2 for SHA-256: the block size in bytes, and the ID of a MAC key. */
const BLOCK = 64;
const MAC_ID = 3;

const OID = {
  data: '1.2.840.113549.1.7.1',
  keyBag: '1.2.840.113549.1.12.10.1.2',
  certificateBag: '1.2.840.113549.1.12.10.1.3',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
  /** Java trusts no certificate without it. */
  trustedKeyUsage: '2.16.840.1.113894.746875.1.1',
  anyExtendedKeyUsage: '2.5.29.37.0',
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  hmacWithSha256: '1.2.840.113549.2.9',
  aes256Cbc: '2.16.840.1.101.3.4.1.42',
  sha256: '2.16.840.1.101.3.4.2.1',
} as const;

/** A key and its certificates, the leaf first, all as DER; the key as PKCS#8. */
export interface KeyEntry {
  readonly alias: string;
  readonly certificates: readonly Buffer[];
  readonly key: Buffer;
}

/**
 * A PKCS#12 file (RFC 7292) with a key and its certificates. Salts and IVs are derived from the key instead of random, so that the
 * same entry gives the same bytes; they reveal nothing about the key.
 */
export function writeKeyStore({ alias, certificates, key }: KeyEntry, password: string): Buffer {
  const derive = (purpose: string): Buffer => createHmac('sha256', key).update(purpose).digest();
  const localKeyId = attribute(OID.localKeyId, octets(sha256(certificates[0] ?? Buffer.of())));
  const attributes = [attribute(OID.friendlyName, bmpString(alias)), localKeyId];
  const [leaf, ...issuers] = certificates;
  const bags = [
    ...(leaf === undefined ? [] : [certificateBag(leaf, attributes)]),
    ...issuers.map((certificate) => certificateBag(certificate, [])),
  ];
  const encrypted = encryptKey(key, password, derive('salt').subarray(0, 16), derive('iv').subarray(0, 16));
  const keyBag = bag(OID.keyBag, encrypted, attributes);
  return pfx([sequence(...bags), sequence(keyBag)], password, derive('mac').subarray(0, 16));
}

/** A PKCS#12 file with DER certificates as a Java trust store. */
export function writeTrustStore(certificates: readonly Buffer[], password: string): Buffer {
  const bags = certificates.map((certificate, index) =>
    certificateBag(certificate, [
      attribute(OID.friendlyName, bmpString(`root-${index + 1}`)),
      attribute(OID.trustedKeyUsage, oid(OID.anyExtendedKeyUsage)),
    ]),
  );
  return pfx([sequence(...bags)], password, sha256(Buffer.concat(certificates)).subarray(0, 16));
}

/** The complete file: the contents, and a MAC over them. */
function pfx(contents: readonly Asn1[], password: string, salt: Buffer): Buffer {
  const authenticated = toDer(sequence(...contents.map((content) => data(toDer(content)))));
  const mac = createHmac('sha256', macKey(password, salt)).update(authenticated).digest();
  return toDer(
    sequence(
      integer(3),
      data(authenticated),
      sequence(sequence(sequence(oid(OID.sha256), none()), octets(mac)), octets(salt), integer(ITERATIONS)),
    ),
  );
}

/** RFC 7292 appendix B.2. The key is as long as a hash, so one round is enough. */
function macKey(password: string, salt: Buffer): Buffer {
  const fill = (bytes: Buffer): Buffer => Buffer.alloc(Math.ceil(bytes.length / BLOCK) * BLOCK, bytes);
  let hash: Buffer = Buffer.concat([Buffer.alloc(BLOCK, MAC_ID), fill(salt), fill(utf16(`${password}\0`))]);
  for (let round = 0; round < ITERATIONS; round += 1) hash = sha256(hash);
  return hash;
}

/** EncryptedPrivateKeyInfo (RFC 5958) by PBES2 (RFC 8018), which Java 8u301 and newer reads. */
function encryptKey(key: Buffer, password: string, salt: Buffer, iv: Buffer): Asn1 {
  const cipher = createCipheriv('aes-256-cbc', pbkdf2Sync(password, salt, ITERATIONS, 32, 'sha256'), iv);
  const encrypted = Buffer.concat([cipher.update(key), cipher.final()]);
  const prf = sequence(oid(OID.hmacWithSha256), none());
  const derivation = sequence(oid(OID.pbkdf2), sequence(octets(salt), integer(ITERATIONS), prf));
  const scheme = sequence(derivation, sequence(oid(OID.aes256Cbc), octets(iv)));
  return sequence(sequence(oid(OID.pbes2), scheme), octets(encrypted));
}

function certificateBag(der: Buffer, attributes: readonly Asn1[]): Asn1 {
  return bag(OID.certificateBag, sequence(oid(OID.x509Certificate), explicit(octets(der))), attributes);
}

function bag(type: string, value: Asn1, attributes: readonly Asn1[]): Asn1 {
  return sequence(oid(type), explicit(value), ...(attributes.length === 0 ? [] : [set(...attributes)]));
}

function attribute(type: string, value: Asn1): Asn1 {
  return sequence(oid(type), set(value));
}

function data(der: Buffer): Asn1 {
  return sequence(oid(OID.data), explicit(octets(der)));
}

function sequence(...parts: Asn1[]): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, parts);
}

function set(...parts: Asn1[]): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SET, true, parts);
}

/** With the tag 0. */
function explicit(part: Asn1): Asn1 {
  return asn1.create(asn1.Class.CONTEXT_SPECIFIC, 0, true, [part]);
}

function oid(dotted: string): Asn1 {
  return primitive(asn1.Type.OID, asn1.oidToDer(dotted).getBytes());
}

function integer(value: number): Asn1 {
  return primitive(asn1.Type.INTEGER, asn1.integerToDer(value).getBytes());
}

function octets(bytes: Buffer): Asn1 {
  return primitive(asn1.Type.OCTETSTRING, bytes.toString('binary'));
}

function bmpString(text: string): Asn1 {
  return primitive(asn1.Type.BMPSTRING, text);
}

function none(): Asn1 {
  return primitive(asn1.Type.NULL, '');
}

function primitive(type: Asn1Types.Type, value: string): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, type, false, value);
}

/** Big-endian. */
function utf16(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function toDer(node: Asn1): Buffer {
  return Buffer.from(asn1.toDer(node).getBytes(), 'binary');
}
