import { IdentityError } from '../errors.ts';
import type { Certificate } from './certificate.ts';

/** Who a leaf speaks for: Consul's form of a SPIFFE ID (`spiffe://<trust domain>[/ap/<p>]/ns/<n>/dc/<d>/svc/<s>`). */
export interface SpiffeId {
  readonly uri: string;
  readonly trustDomain: string;
  readonly service: string;
}

const CONSUL_SERVICE_ID = /^spiffe:\/\/([^/?#]+)(?:\/ap\/[^/]+)?\/ns\/[^/]+\/dc\/[^/]+\/svc\/([^/]+)$/i;

/**
 * The SPIFFE ID of a leaf. A leaf has exactly one URI (X.509-SVID section 2).
 *
 * @throws IdentityError NO_SPIFFE_ID
 */
export function spiffeIdOf(leaf: Certificate): SpiffeId {
  const [uri] = leaf.uris;
  const match = uri === undefined || leaf.uris.length > 1 ? null : CONSUL_SERVICE_ID.exec(uri);
  const [, trustDomain, service] = match ?? [];
  if (uri === undefined || trustDomain === undefined || service === undefined) {
    throw new IdentityError(
      'NO_SPIFFE_ID',
      `the leaf's URIs are [${leaf.uris.join(', ')}], not the SPIFFE ID of one Consul service`,
    );
  }
  return { uri, trustDomain: trustDomain.toLowerCase(), service: decodeSegment(service) };
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
