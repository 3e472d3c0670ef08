import { IdentityError, identityErrorOr } from '../errors.ts';
import type { Certificate } from './x509/certificate.ts';

/** Consul's form of a SPIFFE ID (`spiffe://<trust domain>[/ap/<p>]/ns/<n>/dc/<d>/svc/<s>`). */
export interface SpiffeId {
  readonly uri: string;
  readonly trustDomain: string;
  readonly partition: string;
  readonly namespace: string;
  readonly datacenter: string;
  readonly service: string;
}

/** The requested scope of a service. For undefined parts, Consul uses those of its agent or of the token. */
export interface Scope {
  readonly partition: string | undefined;
  readonly namespace: string | undefined;
  readonly datacenter: string | undefined;
}

const CONSUL_SERVICE_ID = /^spiffe:\/\/([^/?#]+)(?:\/ap\/([^/]+))?\/ns\/([^/]+)\/dc\/([^/]+)\/svc\/([^/]+)$/i;

/** The maximum of a SPIFFE ID (SPIFFE-ID section 2.3). */
const MAX_LENGTH = 2_048;
/** The partition that Consul omits from its SPIFFE IDs. */
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

/** The same, but undefined if `leaf` is missing or has none. */
export function trySpiffeIdOf(leaf: Certificate | undefined): SpiffeId | undefined {
  const id = leaf === undefined ? undefined : identityErrorOr(() => spiffeIdOf(leaf));
  return id instanceof IdentityError ? undefined : id;
}

/** The scope that includes every SPIFFE ID. */
export const ANYWHERE: Scope = { partition: undefined, namespace: undefined, datacenter: undefined };

const SCOPE = ['partition', 'namespace', 'datacenter'] as const;

/** The part of `scope` that the SPIFFE ID does not match; undefined if it matches. Consul compares these names without case. */
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
