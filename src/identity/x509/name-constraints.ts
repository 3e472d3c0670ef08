import { type Asn1, children, isContext, text } from './asn1.ts';

/** The hosts of the URIs that a CA may certify, from its name constraints. */
export interface NameConstraints {
  /** Undefined: any host that is not excluded. */
  readonly permitted: readonly string[] | undefined;
  readonly excluded: readonly string[];
}

const PERMITTED = 0;
const EXCLUDED = 1;
const URI_TAG = 6;
/** The host of a URI, between `//` and the port or path. */
const HOST = /^[^:/?#]+:\/\/(?:[^@/?#]*@)?([^:/?#]+)/;

/** Reads the URI name constraints (RFC 5280 section 4.2.1.10). */
export function readNameConstraints(extension: Asn1 | undefined): NameConstraints | undefined {
  if (extension === undefined) return undefined;
  const hostsOf = (tag: number): string[] =>
    children(children(extension).find((node) => isContext(node, tag)))
      .map((subtree) => children(subtree)[0])
      .filter((base) => base !== undefined && isContext(base, URI_TAG))
      .map((base) => (base === undefined ? '' : text(base).toLowerCase()));
  const permitted = hostsOf(PERMITTED);
  return { permitted: permitted.length === 0 ? undefined : permitted, excluded: hostsOf(EXCLUDED) };
}

/**
 * Whether a CA with these constraints may certify `uri`, for both OpenSSL and Go. They differ for a constraint without a leading
 * dot: for OpenSSL and RFC 5280 it is only that host, for Go its subdomains too. So it permits only the host, and excludes its
 * subdomains too.
 */
export function permitsUri({ permitted, excluded }: NameConstraints, uri: string): boolean {
  if (permitted === undefined && excluded.length === 0) return true;
  const host = HOST.exec(uri)?.[1]?.toLowerCase();
  if (host === undefined) return false;
  const isBelow = (base: string): boolean => base.startsWith('.') && host.endsWith(base) && host !== base;
  if (excluded.some((base) => base === host || isBelow(base) || host.endsWith(`.${base}`))) return false;
  return permitted === undefined || permitted.some((base) => base === host || isBelow(base));
}
