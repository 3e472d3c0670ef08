import { X509Certificate } from 'node:crypto';
import { IdentityError, identityErrorOr } from '../../errors.ts';
import { Generations } from '../../lib/generations.ts';
import { fromDer } from './asn1.ts';
import { type Extensions, readExtensions } from './extensions.ts';
import { MAX_BLOCKS, readPem, writePem } from './pem.ts';
import { PublicKey } from './public-key.ts';
import { spendSignature } from './signature-budget.ts';
import { weaknessOfKey, weaknessOfSignature } from './strength.ts';

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
/** More than the longest list of roots and the published certificates together. */
const MAX_KNOWN = 2 * MAX_BLOCKS;

/** A parsed certificate with the properties that the rules check, and its canonical PEM form. */
export interface Certificate extends Extensions {
  readonly x509: X509Certificate;
  readonly publicKey: PublicKey;
  /** SHA-256 in hex with colons, the identity of a certificate. */
  readonly fingerprint: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  readonly selfSigned: boolean;
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

/** Called after each decision: certificates not read by two in a row are dropped. Each takes some ten kilobytes. */
export function forgetUnusedCertificates(): void {
  known.endGeneration();
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
    const publicKey = new PublicKey(x509.publicKey);
    const decoded = fromDer(x509.raw);
    const extensions = readExtensions(decoded);
    const named = { x509, ...extensions };
    let selfSigned: boolean | undefined;
    return {
      x509,
      publicKey,
      fingerprint: x509.fingerprint256,
      notBefore,
      notAfter,
      // Lazy: few decisions need it, and the signature check is a fifth of the cost of a certificate.
      get selfSigned() {
        selfSigned ??= mayHaveSigned(x509, x509) && verifiesSignature(x509, publicKey);
        return selfSigned;
      },
      pem: writePem({ label: 'CERTIFICATE', der: x509.raw }),
      weakKey: weaknessOfKey(publicKey.object),
      weakSignature: weaknessOfSignature(decoded),
      isSelfIssued: isIssuerCandidate(named, named),
      ...extensions,
    };
  } catch (cause) {
    throw new IdentityError('CERTIFICATE_UNREADABLE', `${what} holds a certificate that cannot be read`, {
      cause,
    });
  }
}

/** Whether the key identifiers match; each may be missing (RFC 5280 section 6.1 requires none). */
export function keyIdsMatch(issuer: Extensions, subject: Extensions): boolean {
  const { authorityKeyId } = subject;
  const { subjectKeyId } = issuer;
  return authorityKeyId === undefined || subjectKeyId === undefined || authorityKeyId === subjectKeyId;
}

type Named = Extensions & Pick<Certificate, 'x509'>;

/** Whether OpenSSL would consider `issuer` the issuer of `subject`: only by name and key identifier. */
export function isIssuerCandidate(issuer: Named, subject: Named): boolean {
  return subject.x509.issuer === issuer.x509.subject && keyIdsMatch(issuer, subject);
}

/** Results of signature checks by subject and issuer: they are most of the cost of a decision. */
const signatures = new WeakMap<Certificate, WeakMap<Certificate, boolean>>();

/**
 * Whether `issuer` signed `subject`. Decided by the signature, because names and key identifiers may be empty (consul #16202). Also
 * false once the budget of the decision is spent.
 */
export function isSignedBy(subject: Certificate, issuer: Certificate): boolean {
  if (!mayHaveSigned(subject.x509, issuer.x509) || !spendSignature()) return false;
  const known = signatures.get(subject) ?? new WeakMap<Certificate, boolean>();
  signatures.set(subject, known);
  const isSigned = known.get(issuer) ?? verifiesSignature(subject.x509, issuer.publicKey);
  known.set(issuer, isSigned);
  return isSigned;
}

function mayHaveSigned(subject: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return subject.checkIssued(issuer);
  } catch {
    return false;
  }
}

function verifiesSignature(subject: X509Certificate, key: PublicKey): boolean {
  try {
    return subject.verify(key.object);
  } catch {
    return false;
  }
}

/**
 * Whether the certificate is valid at `at` (milliseconds). RFC 5280 section 4.1.2.5 includes notAfter; OpenSSL and BoringSSL, and
 * so Envoy, do not.
 */
export function isValidAt(certificate: Certificate, at: number): boolean {
  return certificate.notBefore <= at && at < certificate.notAfter;
}

/** Whether it may be in the chain of a TLS client: OpenSSL checks this for the leaf and every CA above it. */
export function allowsClientAuth({ x509, hasUnknownCritical }: Certificate): boolean {
  // node's keyUsage is the extended key usage (RFC 5280 section 4.2.1.12); absent means any use.
  const uses: readonly string[] | undefined = x509.keyUsage;
  return !hasUnknownCritical && (uses === undefined || uses.includes(CLIENT_AUTH));
}

/** The reason that it is too weak for OpenSSL at security level 2. For a root use `weakKey`: its signature is not verified. */
export function weaknessOf({ weakKey, weakSignature }: Certificate): string | undefined {
  return weakKey ?? weakSignature;
}

/** The issuer on one line, or the authority key identifier if the name is empty, as with Consul (consul #16202). */
export function issuerOf({ x509, authorityKeyId }: Certificate): string {
  return nameOrKey(x509.issuer, authorityKeyId);
}

/** The subject on one line, or the subject key identifier if the name is empty. */
export function subjectOf({ x509, subjectKeyId }: Certificate): string {
  return nameOrKey(x509.subject, subjectKeyId);
}

function nameOrKey(name: string | undefined, keyId: string | undefined): string {
  return name === undefined || name === '' ? `key ${keyId ?? 'unknown'}` : name.replaceAll('\n', ', ');
}
