import type { ListedRoots } from './trust-bundle.ts';

const PRIVATE_KEY = /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----/;

/** The fields of Consul's roots that contain a private key among the certificates, as named in Consul's API. */
export function strayKeysOfRoots({ roots }: ListedRoots): readonly string[] {
  return roots.flatMap(({ id, certificatePem, intermediatePems }) => [
    ...(PRIVATE_KEY.test(certificatePem) ? [`RootCert of root ${id}`] : []),
    ...(intermediatePems.some((pem) => PRIVATE_KEY.test(pem)) ? [`IntermediateCerts of root ${id}`] : []),
  ]);
}

/** The same for a leaf, whose own key belongs in `PrivateKeyPEM`. */
export function strayKeysOfLeaf({ certificatePem }: { readonly certificatePem: string }): readonly string[] {
  return PRIVATE_KEY.test(certificatePem) ? ['CertPEM of the leaf'] : [];
}
