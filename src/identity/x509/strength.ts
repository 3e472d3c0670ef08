import type { KeyObject } from 'node:crypto';
import { type Asn1, children, isContext, oid } from './asn1.ts';

// The limits of OpenSSL at security level 2, the default of Debian and others, and of current Go and BoringSSL.

const MIN_RSA_BITS = 2_048;
const MIN_EC_BITS = 256;

const RSA_PSS = '1.2.840.113549.1.1.10';
/** RSA with SHA-2, ECDSA with SHA-2, Ed25519 and Ed448, and NIST's later algorithms: nothing older than SHA-2. */
const STRONG_SIGNATURE =
  /^(1\.2\.840\.113549\.1\.1\.1[1-6]|1\.2\.840\.10045\.4\.3\.[1-4]|1\.3\.101\.11[23]|2\.16\.840\.1\.101\.3\.4\.3\.\d+)$/;
/** SHA-2 and SHA-3. */
const STRONG_HASH = /^2\.16\.840\.1\.101\.3\.4\.2\.\d+$/;
const SHA_1 = 'SHA-1';
const WEAK_HASHES: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.4': 'MD5',
  '1.2.840.113549.1.1.5': SHA_1,
  '1.3.14.3.2.29': SHA_1,
  '1.2.840.10045.4.1': SHA_1,
  '1.2.840.113549.2.5': 'MD5',
  '1.3.14.3.2.26': SHA_1,
};

/** The fault of a public key that is too weak or of a type that peers do not accept; otherwise undefined. */
export function weaknessOfKey(key: KeyObject): string | undefined {
  const type = key.asymmetricKeyType;
  if (type === 'ed25519' || type === 'ed448') return undefined;
  if (type === 'rsa' || type === 'rsa-pss') {
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
    return bits < MIN_RSA_BITS ? `has an RSA key of ${bits} bits, less than ${MIN_RSA_BITS}` : undefined;
  }
  if (type === 'ec') {
    const curve = key.asymmetricKeyDetails?.namedCurve;
    if (curve === undefined) return 'has an EC key without a named curve';
    // The name of every curve contains its size: prime256v1, secp384r1, brainpoolP320r1.
    const bits = Number(/\d{3}/.exec(curve)?.[0] ?? 0);
    return bits < MIN_EC_BITS
      ? `has an EC key of the curve ${curve}, less than ${MIN_EC_BITS} bits`
      : undefined;
  }
  return `has a key of the type ${type}, neither RSA nor EC`;
}

/** The fault of a certificate's signature whose hash is older than SHA-2; otherwise undefined. */
export function weaknessOfSignature(certificate: Asn1): string | undefined {
  const [id, parameters] = children(children(certificate)[1]);
  const algorithm = oid(id);
  const isPss = algorithm === RSA_PSS;
  const hash = isPss ? hashOfPss(parameters) : algorithm;
  if (hash !== undefined && (isPss ? STRONG_HASH : STRONG_SIGNATURE).test(hash)) return undefined;
  const name = hash === undefined ? SHA_1 : (WEAK_HASHES[hash] ?? `the algorithm ${hash}`);
  return `is signed with ${name}, not with SHA-2`;
}

/** SHA-1 is the default if it is missing (RFC 4055 section 3.1). */
function hashOfPss(parameters: Asn1 | undefined): string | undefined {
  const hash = children(parameters).find((node) => isContext(node, 0));
  return hash === undefined ? undefined : oid(children(children(hash)[0])[0]);
}
