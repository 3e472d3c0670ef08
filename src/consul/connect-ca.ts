import { ConsulError } from '../errors.ts';

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

/** @throws ConsulError CONSUL_ANSWER_UNUSABLE, or CONSUL_CA_NOT_READY when there is no root (consul #4421) */
export function decodeRoots(text: string): CaRoots {
  const answer = parseObject(text, 'roots');
  const roots = answer['Roots'];
  if (roots === undefined || roots === null || (Array.isArray(roots) && roots.length === 0)) {
    throw new ConsulError('CONSUL_CA_NOT_READY', 'Consul lists no CA root', {
      remedy: 'wait until the Connect CA is initialised; if it stays, read the log of the Consul leader',
    });
  }
  if (!Array.isArray(roots)) throw unusable('roots', 'Roots is not a list');
  return {
    trustDomain: readString(answer, 'TrustDomain', 'roots'),
    activeRootId: typeof answer['ActiveRootID'] === 'string' ? answer['ActiveRootID'] : '',
    roots: roots.map(decodeRoot),
  };
}

/** @throws ConsulError CONSUL_ANSWER_UNUSABLE; it never quotes the answer, which holds a private key */
export function decodeLeaf(text: string): CaLeaf {
  const answer = parseObject(text, 'leaf');
  return {
    certificatePem: readString(answer, 'CertPEM', 'leaf'),
    privateKeyPem: readString(answer, 'PrivateKeyPEM', 'leaf'),
  };
}

function decodeRoot(root: unknown): CaRoot {
  if (!isRecord(root)) throw unusable('roots', 'a root is not an object');
  const intermediates = root['IntermediateCerts'];
  return {
    id: readString(root, 'ID', 'roots'),
    active: root['Active'] === true,
    certificatePem: readString(root, 'RootCert', 'roots'),
    intermediatePems: Array.isArray(intermediates)
      ? intermediates.filter((pem): pem is string => typeof pem === 'string')
      : [],
  };
}

function parseObject(text: string, what: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // No cause: the parser's message quotes the text.
    throw unusable(what, /^\s*</.test(text) ? 'it is HTML' : 'it is not whole JSON');
  }
  if (!isRecord(parsed)) throw unusable(what, 'it is not a JSON object');
  return parsed;
}

function readString(record: Record<string, unknown>, field: string, what: string): string {
  const value = record[field];
  if (typeof value !== 'string' || value === '') throw unusable(what, `${field} is missing`);
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unusable(what: string, why: string): ConsulError {
  return new ConsulError(
    'CONSUL_ANSWER_UNUSABLE',
    `Consul's answer about the ${what} cannot be used: ${why}`,
    {
      remedy:
        'see that _CONSUL_HOST and _CONSUL_PORT lead to Consul itself and not to a proxy or a login page',
    },
  );
}
