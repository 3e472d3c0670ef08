import { ConsulError } from '../errors.ts';
import { isRecord } from '../lib/record.ts';
import type { Connection, ConsulAnswer } from './connection.ts';
import { parseObject, unusable } from './json.ts';

/** Consul's `GET /v1/agent/connect/ca/roots`, as far as it is used. `SerialNumber` is not: it overflows a number. */
export interface CaRoots {
  readonly trustDomain: string;
  readonly activeRootId: string;
  readonly roots: readonly CaRoot[];
}

export interface CaRoot {
  readonly id: string;
  readonly active: boolean;
  readonly certificatePem: string;
  readonly intermediatePems: readonly string[];
}

/** Consul's `GET /v1/agent/connect/ca/leaf/<service>`, as far as it is used. */
export interface CaLeaf {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export const ROOTS_PATH = '/v1/agent/connect/ca/roots';

/** The path of a service's leaf: names may hold anything, so they are percent-encoded. */
export function leafPath(service: string): string {
  return `/v1/agent/connect/ca/leaf/${encodeURIComponent(service)}`;
}

/**
 * A root that is not the active one may lack anything: it is kept as far as it goes, and the trust bundle drops it.
 *
 * @throws ConsulError CONSUL_INVALID_RESPONSE, or CONSUL_CA_NOT_READY when there is no root (consul #4421)
 */
export function decodeRoots(text: string): CaRoots {
  const answer = parseObject(text, 'roots');
  const roots = answer['Roots'];
  if (roots === undefined || roots === null || (Array.isArray(roots) && roots.length === 0)) {
    throw new ConsulError('CONSUL_CA_NOT_READY', 'Consul lists no CA root', {
      remedy: 'wait until the Connect CA is initialised; if it stays, read the log of the Consul leader',
    });
  }
  if (!Array.isArray(roots)) throw unusable('roots', 'Roots is not a list');
  const activeRootId = stringOr('', answer['ActiveRootID']);
  const decoded = roots.map(decodeRoot);
  for (const { id, active, certificatePem } of decoded) {
    const mayBeActive = active || id === activeRootId || roots.length === 1;
    if (mayBeActive && (id === '' || certificatePem === '')) {
      throw unusable('roots', 'the active root has no ID or no RootCert');
    }
  }
  return { trustDomain: readString(answer, 'TrustDomain', 'roots'), activeRootId, roots: decoded };
}

/** @throws ConsulError CONSUL_INVALID_RESPONSE; it never quotes the answer, which holds a private key */
export function decodeLeaf(text: string): CaLeaf {
  const answer = parseObject(text, 'leaf');
  return {
    certificatePem: readString(answer, 'CertPEM', 'leaf'),
    privateKeyPem: readString(answer, 'PrivateKeyPEM', 'leaf'),
  };
}

/**
 * Asks for both answers once, the roots first, each within `deadlineMs` milliseconds. `ageSeconds` is that of the roots,
 * where they came from a cache.
 *
 * @throws ConsulError
 */
export async function fetchOnce(
  connection: Connection,
  service: string,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<{ roots: CaRoots; ageSeconds: number | undefined; leaf: CaLeaf }> {
  const ask = (path: string): Promise<ConsulAnswer> =>
    connection.get(path, new URLSearchParams(), deadlineMs, signal);
  const { text, ageSeconds } = await ask(ROOTS_PATH);
  const roots = decodeRoots(text);
  const leaf = await ask(leafPath(service));
  return { roots, ageSeconds, leaf: decodeLeaf(leaf.text) };
}

function decodeRoot(root: unknown): CaRoot {
  const fields = isRecord(root) ? root : {};
  const intermediates = fields['IntermediateCerts'];
  return {
    id: stringOr('', fields['ID']),
    active: fields['Active'] === true,
    certificatePem: stringOr('', fields['RootCert']),
    intermediatePems: Array.isArray(intermediates)
      ? intermediates.filter((pem): pem is string => typeof pem === 'string')
      : [],
  };
}

function stringOr(fallback: string, value: unknown): string {
  return typeof value === 'string' ? value : fallback;
}

function readString(record: Record<string, unknown>, field: string, what: string): string {
  const value = record[field];
  if (typeof value !== 'string' || value === '') throw unusable(what, `${field} is missing`);
  return value;
}
