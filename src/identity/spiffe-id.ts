import { IdentityError, identityErrorOr } from '../errors.ts';
import type { Certificate } from './x509/certificate.ts';

/** Who a leaf speaks for: Consul's form of a SPIFFE ID (`spiffe://<trust domain>[/ap/<p>]/ns/<n>/dc/<d>/svc/<s>`). */
export interface SpiffeId {
  readonly uri: string;
  readonly trustDomain: string;
  readonly partition: string;
  readonly namespace: string;
  readonly datacenter: string;
  readonly service: string;
}

/** Where in Consul a service is asked for. What is undefined is left to Consul, which takes its agent's or the token's. */
export interface Scope {
  readonly partition: string | undefined;
  readonly namespace: string | undefined;
  readonly datacenter: string | undefined;
}

const CONSUL_SERVICE_ID = /^spiffe:\/\/([^/?#]+)(?:\/ap\/([^/]+))?\/ns\/([^/]+)\/dc\/([^/]+)\/svc\/([^/]+)$/i;

/** Of a SPIFFE ID (SPIFFE-ID section 2.3). */
const MAX_LENGTH = 2_048;
/** The partition that Consul leaves out of its SPIFFE IDs. */
const DEFAULT_PARTITION = 'default';

/**
 * The SPIFFE ID of a leaf. A leaf has exactly one URI (X.509-SVID section 2).
 *
 * @throws IdentityError NO_SPIFFE_ID
 */
export function spiffeIdOf(leaf: Certificate): SpiffeId {
  const [uri] = leaf.uris;
  const match =
    uri === undefined || leaf.uris.length > 1 || uri.length > MAX_LENGTH ? null : CONSUL_SERVICE_ID.exec(uri);
  const [, trustDomain, partition = DEFAULT_PARTITION, namespace, datacenter, service] = match ?? [];
  if (
    uri === undefined ||
    trustDomain === undefined ||
    namespace === undefined ||
    datacenter === undefined ||
    service === undefined
  ) {
    throw new IdentityError(
      'NO_SPIFFE_ID',
      `the leaf's URIs are [${leaf.uris.join(', ')}], not the SPIFFE ID of one Consul service`,
    );
  }
  return {
    uri,
    trustDomain: trustDomain.toLowerCase(),
    partition: decodeSegment(partition),
    namespace: decodeSegment(namespace),
    datacenter: decodeSegment(datacenter),
    service: decodeSegment(service),
  };
}

/** The same, and undefined where `leaf` is missing or has none. */
export function trySpiffeIdOf(leaf: Certificate | undefined): SpiffeId | undefined {
  const id = leaf === undefined ? undefined : identityErrorOr(() => spiffeIdOf(leaf));
  return id instanceof IdentityError ? undefined : id;
}

/** The scope that any SPIFFE ID is in. */
export const ANYWHERE: Scope = { partition: undefined, namespace: undefined, datacenter: undefined };

const SCOPE = ['partition', 'namespace', 'datacenter'] as const;

/** What of `scope` the SPIFFE ID is not of; undefined where it is of all. Consul's names of these know no capitals. */
export function outOfScope(id: SpiffeId, scope: Scope): string | undefined {
  const part = SCOPE.find(
    (name) => scope[name] !== undefined && scope[name].toLowerCase() !== id[name].toLowerCase(),
  );
  return part === undefined ? undefined : `${part} ${scope[part]}`;
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
