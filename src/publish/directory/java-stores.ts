import { createPrivateKey } from 'node:crypto';
import type { Content } from '../../identity/published.ts';
import { readPem } from '../../identity/x509/pem.ts';
import { writeKeyStore, writeTrustStore } from '../../identity/x509/pkcs12.ts';

/** The alias of the identity in the keystore. */
const ALIAS = 'identity';

/** The certificate, its intermediates and its key. */
export function keyStore({ tlsCrt, tlsKey }: Content, password: string): Buffer {
  const key = createPrivateKey(tlsKey).export({ type: 'pkcs8', format: 'der' });
  return writeKeyStore({ alias: ALIAS, certificates: certificatesIn(tlsCrt), key }, password);
}

/** The roots. */
export function trustStore({ caCrt }: Content, password: string): Buffer {
  return writeTrustStore(certificatesIn(caCrt), password);
}

function certificatesIn(text: string): Buffer[] {
  return readPem(text, 'what is published').map(({ der }) => der);
}
