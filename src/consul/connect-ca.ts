import { ConsulError } from '../errors.ts';
import { isRecord } from '../lib/record.ts';
import { readIndex } from './blocking-index.ts';
import type { Connection } from './connection.ts';
import { type AnswerAge, answerAge, type Subject } from './freshness.ts';
import { parseObject, unusable } from './json.ts';

/** The used fields of `GET /v1/agent/connect/ca/roots`. `SerialNumber` is not read: it overflows a number. */
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

/** The used fields of `GET /v1/agent/connect/ca/leaf/<service>`. */
export interface CaLeaf {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** A mesh has two or three; Consul keeps old ones for some weeks. */
const MAX_ROOTS = 300;

/** The prefix of the endpoints that only Consul with Connect has. */
export const CA_PATH = '/v1/agent/connect/ca/';
export const ROOTS_PATH = `${CA_PATH}roots`;

/** The path of a service's leaf. Names may contain any character, so they are percent-encoded. */
export function leafPath(service: string): string {
  return `${CA_PATH}leaf/${encodeURIComponent(service)}`;
}

/**
 * An inactive root may be incomplete: it is kept here, and the trust bundle drops it.
 *
 * @throws ConsulError CONSUL_INVALID_RESPONSE, or CONSUL_CA_NOT_READY if there is no root (consul #4421)
 */
export function decodeRoots(text: string): CaRoots {
  const answer = parseObject(text, 'roots');
  const roots = answer['Roots'];
  if (roots === undefined || roots === null || (Array.isArray(roots) && roots.length === 0)) {
    throw new ConsulError('CONSUL_CA_NOT_READY', 'Consul lists no CA root', {
      remedy:
        'wait until the Connect CA is initialised; if the error persists, check the log of the Consul leader. A secondary datacenter waits for its primary',
    });
  }
  if (!Array.isArray(roots)) throw unusable('roots', 'Roots is not a list');
  if (roots.length > MAX_ROOTS) {
    throw unusable('roots', `it lists ${roots.length} roots, and at most ${MAX_ROOTS} are read`);
  }
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

/** @throws ConsulError CONSUL_INVALID_RESPONSE, without quoting the answer, which contains a private key */
export function decodeLeaf(text: string): CaLeaf {
  const answer = parseObject(text, 'leaf');
  return {
    certificatePem: readString(answer, 'CertPEM', 'leaf'),
    privateKeyPem: readString(answer, 'PrivateKeyPEM', 'leaf'),
  };
}

/** One of the two queries: its path, and how to decode its answer. */
export interface CaQuery<T> {
  readonly subject: Subject;
  readonly path: string;
  /** @throws ConsulError if the answer cannot be used */
  readonly decode: (text: string) => T;
}

export const ROOTS_QUERY: CaQuery<CaRoots> = { subject: 'roots', path: ROOTS_PATH, decode: decodeRoots };

export function leafQuery(service: string): CaQuery<CaLeaf> {
  return { subject: 'leaf', path: leafPath(service), decode: decodeLeaf };
}

export interface Fetched<T> extends AnswerAge {
  readonly value: T;
  /** Undefined if the answer has none. */
  readonly index: bigint | undefined;
}

/**
 * Sends a query without blocking to one server after another until one answers, each within `deadlineMs` milliseconds;
 * `onFailure` is called for each server that failed before.
 *
 * @throws ConsulError
 */
export async function fetchOnce<T>(
  connection: Connection,
  { subject, path, decode }: CaQuery<T>,
  deadlineMs: number,
  signal: AbortSignal,
  onFailure?: (error: unknown) => void,
): Promise<Fetched<T>> {
  const { text, age, index } = await connection.getFromAny(path, deadlineMs, signal, onFailure);
  return { value: decode(text), index: readIndex(index), ...answerAge(subject, age) };
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
