import type { CertificateAndKey } from '../identity.ts';
import type { Published } from '../published.ts';
import { type SpiffeId, trySpiffeIdOf } from '../spiffe-id.ts';
import { tryReadCertificates } from '../x509/certificate.ts';

/** The indexes of the roots in the published bundles: equal if they were written together. */
export interface PublishedIndex {
  /** Undefined if one of the bundles has none because a version before 1.0.0 wrote it. */
  readonly lowest: bigint | undefined;
  readonly highest: bigint;
}

/**
 * The index of the published roots, if it can be compared with that of Consul's roots: indexes of another trust domain or
 * datacenter are unrelated.
 *
 * @param trustDomain that of Consul's roots
 * @param leaf Consul's leaf, for its datacenter
 */
export function comparableIndex(
  published: Published | undefined,
  trustDomain: string | undefined,
  leaf: CertificateAndKey | undefined,
): PublishedIndex | undefined {
  if (published === undefined || trustDomain === undefined) return undefined;
  const index = publishedIndexOf(published);
  if (index === undefined) return undefined;
  const id = idOf(published);
  if (id?.trustDomain !== trustDomain.toLowerCase()) return undefined;
  const own = leaf === undefined ? undefined : idOf(leaf);
  if (own !== undefined && own.datacenter !== id.datacenter) return undefined;
  return index;
}

/** The index of the published roots, comparable or not; undefined if no bundle has one. */
export function publishedIndexOf({
  rootsIndex,
  upstreamCaPem,
  upstreamRootsIndex,
}: Pick<Published, 'rootsIndex' | 'upstreamCaPem' | 'upstreamRootsIndex'>): PublishedIndex | undefined {
  const other = upstreamCaPem === undefined ? rootsIndex : upstreamRootsIndex;
  if (rootsIndex === undefined || other === undefined) {
    const highest = rootsIndex ?? other;
    return highest === undefined ? undefined : { lowest: undefined, highest };
  }
  return rootsIndex < other ? { lowest: rootsIndex, highest: other } : { lowest: other, highest: rootsIndex };
}

function idOf({ certificatePem }: CertificateAndKey): SpiffeId | undefined {
  return trySpiffeIdOf(tryReadCertificates(certificatePem)[0]);
}
