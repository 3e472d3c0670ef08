import type { KeyObject } from 'node:crypto';

/**
 * A public key as text, equal for equal keys: as JWK, which has both coordinates of a point of a curve, also of one that the
 * certificate contains compressed (RFC 5480 section 2.2), or for the types without a JWK its DER in base64.
 */
export function publicKeyText(key: KeyObject): string {
  try {
    return JSON.stringify(key.export({ format: 'jwk' }));
  } catch {
    return key.export({ format: 'der', type: 'spki' }).toString('base64');
  }
}
