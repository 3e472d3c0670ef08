import type { ListedRoots } from './trust-bundle.ts';

const PRIVATE_KEY = /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----/;

/** Where the roots that Consul lists have a private key among their certificates, in the words of Consul's API. */
export function strayKeysOfRoots({ roots }: ListedRoots): readonly string[] {
  return roots.flatMap(({ id, certificatePem, intermediatePems }) => [
    ...(PRIVATE_KEY.test(certificatePem) ? [`RootCert of root ${id}`] : []),
    ...(intermediatePems.some((pem) => PRIVATE_KEY.test(pem)) ? [`IntermediateCerts of root ${id}`] : []),
  ]);
}

/** The same for a leaf. Its own key is elsewhere, in `PrivateKeyPEM`. */
export function strayKeysOfLeaf({ certificatePem }: { readonly certificatePem: string }): readonly string[] {
  return PRIVATE_KEY.test(certificatePem) ? ['CertPEM of the leaf'] : [];
}
