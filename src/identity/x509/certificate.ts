import { X509Certificate } from 'node:crypto';
import { IdentityError, identityErrorOr } from '../../errors.ts';
import { Generations } from '../../lib/generations.ts';
import { fromDer } from './asn1.ts';
import { type Extensions, readExtensions } from './extensions.ts';
import { MAX_BLOCKS, readPem, writePem } from './pem.ts';
import { publicKeyText } from './public-key.ts';
import { spendSignature } from './signature-budget.ts';
import { weaknessOfKey, weaknessOfSignature } from './strength.ts';

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
/** More than the longest list of roots and the published certificates together. */
const MAX_KNOWN = 2 * MAX_BLOCKS;

/**
 * A parsed certificate with the properties that the rules check, and its canonical PEM form. It holds no `X509Certificate`: V8 does
 * not count the memory of one outside the heap, and so frees it late unless it is short-lived.
 */
export interface Certificate extends Extensions {
  /** One line for each part of the name, empty if the name is. */
  readonly issuer: string;
  readonly subject: string;
  /** In lower-case hex. */
  readonly serialNumber: string;
  readonly isCa: boolean;
  /** Dotted (RFC 5280 section 4.2.1.12); undefined: any use. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  /** Equal for equal keys. */
  readonly publicKey: string;
  /** SHA-256 in hex with colons, the identity of a certificate. */
  readonly fingerprint: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  /** Whether it is its own issuer by names and key identifiers: OpenSSL does not look for another one. */
  readonly isSelfIssued: boolean;
  /** The reason that its key is too weak for OpenSSL at security level 2, if it is. */
  readonly weakKey: string | undefined;
  /** The same for its signature, which is not verified on a root. */
  readonly weakSignature: string | undefined;
  /** Always in the form of RFC 7468. */
  readonly pem: string;
}

/**
 * Reads every certificate of a PEM text. Other blocks are skipped.
 *
 * @throws IdentityError PEM_UNREADABLE, NO_CERTIFICATE or CERTIFICATE_UNREADABLE
 */
export function readCertificates(text: string, what: string): readonly Certificate[] {
  const certificates = text.split(AFTER_BLOCK).map((block) => known.get(block));
  // Fast path for a text in the canonical form, as written by Consul and the connector.
  if (certificates.every((certificate) => certificate !== undefined)) return certificates;
  return parseCertificates(text, what);
}

const AFTER_BLOCK = /(?<=-----END CERTIFICATE-----\n)/;
/** By canonical PEM. Each decision reads the same ones again, and parsing would be most of its cost. */
const known = new Generations<string, Certificate>(MAX_KNOWN);

/** By canonical PEM, for the signature checks of the decision that first reads them and of the next one. */
const opened = new Generations<string, X509Certificate>(MAX_KNOWN);

/** Called after each decision: certificates not read by two in a row are dropped. */
export function forgetUnusedCertificates(): void {
  known.endGeneration();
  opened.endGeneration();
}

/** The same, but empty if the text cannot be read: the following checks then fail. */
export function tryReadCertificates(text: string): readonly Certificate[] {
  const certificates = identityErrorOr(() => readCertificates(text, 'the text'));
  return certificates instanceof IdentityError ? [] : certificates;
}

/** Whether `text` consists only of certificates in their canonical form, as written by a connector. */
export function isCanonicalPem(text: string): boolean {
  return (
    text !== '' &&
    text ===
      tryReadCertificates(text)
        .map(({ pem }) => pem)
        .join('')
  );
}

function parseCertificates(text: string, what: string): readonly Certificate[] {
  const certificates = readPem(text, what).filter(({ label }) => label === 'CERTIFICATE');
  if (certificates.length === 0) throw new IdentityError('NO_CERTIFICATE', `${what} holds no certificate`);
  return certificates.map((block) => {
    const normal = writePem(block);
    const certificate = known.get(normal) ?? parseCertificate(block.der, what);
    for (const pem of [normal, certificate.pem]) known.set(pem, certificate);
    return certificate;
  });
}

function parseCertificate(der: Buffer, what: string): Certificate {
  try {
    const x509 = new X509Certificate(der);
    const notBefore = Date.parse(x509.validFrom);
    const notAfter = Date.parse(x509.validTo);
    if (Number.isNaN(notBefore) || Number.isNaN(notAfter)) throw new Error('its validity is not a date');
    const { publicKey } = x509;
    const decoded = fromDer(x509.raw);
    const { issuer = '', subject = '' } = x509;
    const pem = writePem({ label: 'CERTIFICATE', der: x509.raw });
    opened.set(pem, x509);
    const named = { issuer, subject, ...readExtensions(decoded) };
    return {
      ...named,
      serialNumber: x509.serialNumber.toLowerCase(),
      isCa: x509.ca,
      extendedKeyUsage: x509.keyUsage,
      publicKey: publicKeyText(publicKey),
      fingerprint: x509.fingerprint256,
      notBefore,
      notAfter,
      pem,
      weakKey: weaknessOfKey(publicKey),
      weakSignature: weaknessOfSignature(decoded),
      isSelfIssued: isIssuerCandidate(named, named),
    };
  } catch (cause) {
    throw new IdentityError('CERTIFICATE_UNREADABLE', `${what} holds a certificate that cannot be read`, {
      cause,
    });
  }
}

/** Whether the key identifiers match; each may be missing (RFC 5280 section 6.1 requires none). */
function keyIdsMatch(issuer: Extensions, subject: Extensions): boolean {
  const { authorityKeyId } = subject;
  const { subjectKeyId } = issuer;
  return authorityKeyId === undefined || subjectKeyId === undefined || authorityKeyId === subjectKeyId;
}

type Named = Extensions & Pick<Certificate, 'issuer' | 'subject'>;

/** Whether OpenSSL would consider `issuer` the issuer of `subject`: only by name and key identifier. */
export function isIssuerCandidate(issuer: Named, subject: Named): boolean {
  return subject.issuer === issuer.subject && keyIdsMatch(issuer, subject);
}

/**
 * Whether `issuer` signed `subject`. Matching names and key identifiers do not suffice, because both may be empty (consul #16202).
 * Also false once the budget of the decision is spent.
 */
export function isSignedBy(subject: Certificate, issuer: Certificate): boolean {
  return isIssuerCandidate(issuer, subject) && spendSignature() && hasSigned(issuer, subject);
}

export function isSelfSigned(certificate: Certificate): boolean {
  return certificate.isSelfIssued && hasSigned(certificate, certificate);
}

/** Results of signature checks by subject and issuer: they are most of the cost of a decision. */
const signatures = new WeakMap<Certificate, WeakMap<Certificate, boolean>>();

function hasSigned(issuer: Certificate, subject: Certificate): boolean {
  const known = signatures.get(subject) ?? new WeakMap<Certificate, boolean>();
  signatures.set(subject, known);
  const signed = known.get(issuer) ?? verifySignature(subject, issuer);
  known.set(issuer, signed);
  return signed;
}

function verifySignature(subject: Certificate, issuer: Certificate): boolean {
  try {
    const [below, above] = [x509Of(subject), x509Of(issuer)];
    return below.checkIssued(above) && below.verify(above.publicKey);
  } catch {
    return false;
  }
}

function x509Of({ pem }: Certificate): X509Certificate {
  const x509 = opened.get(pem) ?? new X509Certificate(pem);
  opened.set(pem, x509);
  return x509;
}

/**
 * Whether the certificate is valid at `at` (milliseconds). RFC 5280 section 4.1.2.5 includes notAfter; OpenSSL and BoringSSL, and
 * so Envoy, do not.
 */
export function isValidAt(certificate: Certificate, at: number): boolean {
  return certificate.notBefore <= at && at < certificate.notAfter;
}

/** Whether it may be in the chain of a TLS client: OpenSSL checks this for the leaf and every CA above it. */
export function allowsClientAuth({ extendedKeyUsage, hasUnknownCritical }: Certificate): boolean {
  return !hasUnknownCritical && (extendedKeyUsage === undefined || extendedKeyUsage.includes(CLIENT_AUTH));
}

/** The reason that it is too weak for OpenSSL at security level 2. For a root use `weakKey`: its signature is not verified. */
export function weaknessOf({ weakKey, weakSignature }: Certificate): string | undefined {
  return weakKey ?? weakSignature;
}

/** The issuer on one line, or the authority key identifier if the name is empty, as with Consul (consul #16202). */
export function issuerOf({ issuer, authorityKeyId }: Certificate): string {
  return nameOrKey(issuer, authorityKeyId);
}

/** The subject on one line, or the subject key identifier if the name is empty. */
export function subjectOf({ subject, subjectKeyId }: Certificate): string {
  return nameOrKey(subject, subjectKeyId);
}

function nameOrKey(name: string, keyId: string | undefined): string {
  return name === '' ? `key ${keyId ?? 'unknown'}` : name.replaceAll('\n', ', ');
}
