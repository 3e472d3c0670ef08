import { type Asn1, children, isContext, text } from './asn1.ts';

/** The URIs that a CA may certify, by their hosts, as the name constraints of its certificate have them. */
export interface NameConstraints {
  /** Undefined: any that is not excluded. */
  readonly permitted: readonly string[] | undefined;
  readonly excluded: readonly string[];
}

const PERMITTED = 0;
const EXCLUDED = 1;
const URI_TAG = 6;
/** What stands between `//` and the port or path. */
const HOST = /^[^:/?#]+:\/\/(?:[^@/?#]*@)?([^:/?#]+)/;

/** Reads name constraints, as far as they are about URIs (RFC 5280 section 4.2.1.10). */
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
 * Whether a CA with these constraints may certify `uri`, by OpenSSL and by Go. They differ in a constraint without a leading
 * dot: to OpenSSL, and RFC 5280, it is that host alone; to Go it is all below it, too. So it permits the host alone, and
 * excludes all below it.
 */
export function permitsUri({ permitted, excluded }: NameConstraints, uri: string): boolean {
  if (permitted === undefined && excluded.length === 0) return true;
  const host = HOST.exec(uri)?.[1]?.toLowerCase();
  if (host === undefined) return false;
  const isBelow = (base: string): boolean => base.startsWith('.') && host.endsWith(base) && host !== base;
  if (excluded.some((base) => base === host || isBelow(base) || host.endsWith(`.${base}`))) return false;
  return permitted === undefined || permitted.some((base) => base === host || isBelow(base));
}
