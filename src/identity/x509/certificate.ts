import { type KeyObject, X509Certificate } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { IdentityError, identityErrorOr } from '../../errors.ts';
import { type Extensions, readExtensions } from './extensions.ts';
import { readPem, writePem } from './pem.ts';

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
/** More texts than a mesh has roots and leaves in use: each decision reads them all again, and parsing is most of its cost. */
const MAX_PARSED = 64;

/** A parsed certificate: what the rules ask of it, and its one normal PEM form. */
export interface Certificate extends Extensions {
  readonly x509: X509Certificate;
  readonly publicKey: KeyObject;
  /** SHA-256 in hex with colons: two certificates are the same exactly when these are. */
  readonly fingerprint: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  readonly selfSigned: boolean;
  /** Whether its names and key identifiers say that it signed itself: OpenSSL looks for no issuer of such a one. */
  readonly isSelfIssued: boolean;
  /** In the form of RFC 7468, whatever form it came in. */
  readonly pem: string;
}

/**
 * Reads every certificate of a PEM text. Blocks of another kind are passed over.
 *
 * @throws IdentityError PEM_UNREADABLE, NO_CERTIFICATE or CERTIFICATE_UNREADABLE
 */
export function readCertificates(text: string, what: string): readonly Certificate[] {
  return parsed.memo(text, { context: what });
}

const parsed = new LRUCache<string, readonly Certificate[], string>({
  max: MAX_PARSED,
  memoMethod: (text, _stale, { context: what }) => parseCertificates(text, what),
});

/** The same, and none where the text cannot be read: what the certificates are to be used for then fails by itself. */
export function tryReadCertificates(text: string): readonly Certificate[] {
  const certificates = identityErrorOr(() => readCertificates(text, 'the text'));
  return certificates instanceof IdentityError ? [] : certificates;
}

/** Whether `text` is nothing but certificates in their one normal form, as a connector writes them. */
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
  return certificates.map(({ der }) => parseCertificate(der, what));
}

function parseCertificate(der: Buffer, what: string): Certificate {
  try {
    const x509 = new X509Certificate(der);
    const notBefore = Date.parse(x509.validFrom);
    const notAfter = Date.parse(x509.validTo);
    if (Number.isNaN(notBefore) || Number.isNaN(notAfter)) throw new Error('its validity is not a date');
    const { publicKey } = x509;
    const extensions = readExtensions(x509.raw);
    const named = { x509, ...extensions };
    return {
      x509,
      publicKey,
      fingerprint: x509.fingerprint256,
      notBefore,
      notAfter,
      selfSigned: x509.checkIssued(x509) && x509.verify(publicKey),
      pem: writePem({ label: 'CERTIFICATE', der: x509.raw }),
      isSelfIssued: isIssuerCandidate(named, named),
      ...extensions,
    };
  } catch (cause) {
    throw new IdentityError('CERTIFICATE_UNREADABLE', `${what} holds a certificate that cannot be read`, {
      cause,
    });
  }
}

/** Whether the key identifiers allow that `issuer` signed `subject`: each may be left out (RFC 5280 section 6.1 asks for none). */
export function keyIdsMatch(issuer: Extensions, subject: Extensions): boolean {
  const { authorityKeyId } = subject;
  const { subjectKeyId } = issuer;
  return authorityKeyId === undefined || subjectKeyId === undefined || authorityKeyId === subjectKeyId;
}

type Named = Extensions & Pick<Certificate, 'x509'>;

/** Whether OpenSSL would take `issuer` for that of `subject`: by name and key identifier alone. */
export function isIssuerCandidate(issuer: Named, subject: Named): boolean {
  return subject.x509.issuer === issuer.x509.subject && keyIdsMatch(issuer, subject);
}

/** What is known of who signed whom, by subject and issuer: checking a signature is most of a decision. */
const signatures = new WeakMap<Certificate, WeakMap<Certificate, boolean>>();

/** Whether `issuer` signed `subject`: names and key identifiers may be empty (consul #16202), the signature decides. */
export function isSignedBy(subject: Certificate, issuer: Certificate): boolean {
  const known = signatures.get(subject) ?? new WeakMap<Certificate, boolean>();
  signatures.set(subject, known);
  const isSigned = known.get(issuer) ?? verifiesSignature(subject, issuer);
  known.set(issuer, isSigned);
  return isSigned;
}

function verifiesSignature(subject: Certificate, issuer: Certificate): boolean {
  try {
    return subject.x509.checkIssued(issuer.x509) && subject.x509.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

/**
 * Whether the certificate is inside its validity period at `at` (milliseconds). RFC 5280 section 4.1.2.5 includes
 * notAfter, OpenSSL and BoringSSL do not: to them, and so to Envoy, it has expired then.
 */
export function isValidAt(certificate: Certificate, at: number): boolean {
  return certificate.notBefore <= at && at < certificate.notAfter;
}

/** Whether nothing in it forbids a chain of TLS clients: OpenSSL asks this of the leaf and of every CA above it. */
export function allowsClientAuth({ x509, hasUnknownCritical }: Certificate): boolean {
  // node's keyUsage is the extended key usage (RFC 5280 section 4.2.1.12); absent means any use.
  const uses: readonly string[] | undefined = x509.keyUsage;
  return !hasUnknownCritical && (uses === undefined || uses.includes(CLIENT_AUTH));
}

/** The share of the certificate's lifetime that is left at `at`: 1 when new, 0 or less when expired. */
export function lifetimeLeft(certificate: Certificate, at: number): number {
  return (certificate.notAfter - at) / (certificate.notAfter - certificate.notBefore);
}

/** The issuer in one line, or the authority key identifier where the name is empty, as Consul's are (consul #16202). */
export function issuerOf({ x509, authorityKeyId }: Certificate): string {
  return nameOrKey(x509.issuer, authorityKeyId);
}

/** The subject in one line, or the subject key identifier where the name is empty. */
export function subjectOf({ x509, subjectKeyId }: Certificate): string {
  return nameOrKey(x509.subject, subjectKeyId);
}

function nameOrKey(name: string | undefined, keyId: string | undefined): string {
  return name === undefined || name === '' ? `key ${keyId ?? 'unknown'}` : name.replaceAll('\n', ', ');
}
