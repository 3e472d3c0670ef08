import { printable } from './lib/foreign-text.ts';

/**
 * All errors of this program. `code` is stable: alerts and tests may depend on it. `remedy` says what to do. Neither it nor the
 * message ever contains a key or a token.
 */
export abstract class ConnectorError extends Error {
  abstract readonly code: string;
  readonly remedy: string | undefined;

  constructor(message: string, options: { remedy?: string | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.remedy = options.remedy;
  }
}

/** An error with one of a fixed set of codes. Its message may quote other programs, so it is truncated and made printable. */
abstract class CodedError<Code extends string> extends ConnectorError {
  readonly code: Code;

  constructor(code: Code, message: string, options: { remedy?: string; cause?: unknown } = {}) {
    super(printable(message), options);
    this.code = code;
  }
}

/** The environment variables are invalid. Lists every problem, and never the value of a secret variable. */
export class ConfigurationError extends ConnectorError {
  readonly code = 'CONFIGURATION';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration is invalid:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

export type ConsulErrorCode =
  | 'CONSUL_UNREACHABLE'
  | 'CONSUL_TIMEOUT'
  | 'CONSUL_TLS'
  | 'CONSUL_PERMISSION_DENIED'
  | 'CONSUL_TOKEN_UNKNOWN'
  | 'CONSUL_TOKEN_UNREADABLE'
  | 'CONSUL_LOGIN_FAILED'
  | 'CONSUL_ACLS_DISABLED'
  | 'CONSUL_ACLS_NOT_BOOTSTRAPPED'
  | 'CONSUL_REDIRECT'
  | 'CONSUL_UNAUTHORIZED'
  | 'CONSUL_CONNECT_DISABLED'
  | 'CONSUL_CA_NOT_READY'
  | 'CONSUL_CA_PROVIDER_FAILED'
  | 'CONSUL_NO_LEADER'
  | 'CONSUL_NO_SERVERS'
  | 'CONSUL_UNKNOWN_DATACENTER'
  | 'CONSUL_RATE_LIMITED'
  | 'CONSUL_HTTP_TO_HTTPS'
  | 'CONSUL_NAMESPACES_ENTERPRISE'
  | 'CONSUL_SERVICE_NAME_REFUSED'
  | 'CONSUL_NOT_FOUND'
  | 'CONSUL_ENDPOINT_BLOCKED'
  | 'CONSUL_INVALID_RESPONSE'
  | 'CONSUL_UNEXPECTED_STATUS';

/** A request to Consul failed, was refused, or returned an unusable answer. Always temporary: retry. */
export class ConsulError extends CodedError<ConsulErrorCode> {
  constructor(code: ConsulErrorCode, message: string, options: { remedy: string; cause?: unknown }) {
    super(code, message, options);
  }
}

export type IdentityFault =
  | 'PEM_UNREADABLE'
  | 'NO_CERTIFICATE'
  | 'TOO_MANY_CERTIFICATES'
  | 'CERTIFICATE_UNREADABLE'
  | 'KEY_UNREADABLE'
  | 'KEY_MISMATCH'
  | 'NO_SPIFFE_ID'
  | 'WRONG_TRUST_DOMAIN'
  | 'WRONG_SERVICE'
  | 'WRONG_SCOPE'
  | 'NOT_YET_VALID'
  | 'EXPIRED'
  | 'LEAF_IS_CA'
  | 'LEAF_NOT_FIRST'
  | 'NO_CLIENT_AUTH'
  | 'WEAK_CERTIFICATE'
  | 'NAME_CONSTRAINTS'
  | 'NO_CHAIN'
  | 'NO_ROOT';

const SEE_ROOTS =
  'check GET /v1/agent/connect/ca/roots, and the log of the Consul leader for CA provider errors';
const SEE_LEAF =
  'restart the Consul agent so that it requests a new leaf; if the error persists, check its log for CA provider errors';
const SEE_SERVICE =
  'check that _CONSUL_SERVICE is the intended service, and that only Consul answers at _CONSUL_HOST';

/** An agent of 1.16 returns its cached leaf for any requested datacenter. */
const SEE_SCOPE =
  'set _CONSUL_HOST to a server of the requested datacenter, or unset CONSUL_DATACENTER, CONSUL_NAMESPACE or CONSUL_PARTITION';

/** The remedy of each fault, unless the error has a more specific one. */
const IDENTITY_REMEDIES: Readonly<Record<IdentityFault, string>> = {
  PEM_UNREADABLE: SEE_ROOTS,
  NO_CERTIFICATE: SEE_ROOTS,
  TOO_MANY_CERTIFICATES: SEE_ROOTS,
  CERTIFICATE_UNREADABLE: SEE_ROOTS,
  KEY_UNREADABLE: SEE_LEAF,
  KEY_MISMATCH: SEE_LEAF,
  NO_SPIFFE_ID: SEE_SERVICE,
  WRONG_TRUST_DOMAIN: SEE_SERVICE,
  WRONG_SERVICE: SEE_SERVICE,
  WRONG_SCOPE: SEE_SCOPE,
  NOT_YET_VALID: 'compare the clocks of this machine and of the Consul servers',
  EXPIRED: 'compare the clocks of this machine and of the Consul servers',
  LEAF_IS_CA: SEE_LEAF,
  LEAF_NOT_FIRST: SEE_LEAF,
  NO_CLIENT_AUTH: SEE_LEAF,
  WEAK_CERTIFICATE:
    'configure the CA of Consul to use RSA keys of 2048 bits or more, or EC keys of 256, and SHA-256 signatures: PrivateKeyType and PrivateKeyBits in consul connect ca set-config, or the configuration of an external CA',
  NAME_CONSTRAINTS:
    'reissue the CA without name constraints for URIs, or with one that permits the trust domain in GET /v1/agent/connect/ca/roots',
  NO_CHAIN: SEE_ROOTS,
  NO_ROOT: SEE_ROOTS,
};

export const IDENTITY_FAULTS: readonly string[] = Object.keys(IDENTITY_REMEDIES);

/** A leaf, key or root that must not be published, and why. */
export class IdentityError extends CodedError<IdentityFault> {
  constructor(code: IdentityFault, message: string, options: { remedy?: string; cause?: unknown } = {}) {
    super(code, message, { remedy: IDENTITY_REMEDIES[code], ...options });
  }
}

/** Returns the result of `work` or the IdentityError it throws; rethrows any other error. */
export function identityErrorOr<T>(work: () => T): T | IdentityError {
  try {
    return work();
  } catch (error) {
    if (error instanceof IdentityError) return error;
    throw error;
  }
}

export type PublishErrorCode =
  | 'KUBERNETES_CONFIGURATION'
  | 'KUBERNETES_UNREACHABLE'
  | 'KUBERNETES_TIMEOUT'
  | 'KUBERNETES_UNAUTHORIZED'
  | 'KUBERNETES_FORBIDDEN'
  | 'KUBERNETES_CONFLICT'
  | 'KUBERNETES_NOT_FOUND'
  | 'KUBERNETES_REJECTED'
  | 'KUBERNETES_GONE'
  | 'KUBERNETES_INVALID_RESPONSE'
  | 'NOT_PUBLISHED'
  | 'KUBERNETES_WRITE_UNDONE'
  | 'SECRET_NOT_ADOPTABLE'
  | 'SERVICE_NOT_ADOPTABLE'
  | 'DIRECTORY_UNWRITABLE'
  | 'RELOAD_FAILED';

/** The target could not be read or written. Always temporary: retry. */
export class PublishError extends CodedError<PublishErrorCode> {
  /** The minimum delay before the next attempt that the API server requested, in milliseconds; 0 if none. */
  readonly retryAfterMs: number;
  /** The HTTP status of the API server's error response, if there was one. */
  readonly status: number | undefined;

  constructor(
    code: PublishErrorCode,
    message: string,
    {
      retryAfterMs = 0,
      status,
      ...options
    }: { remedy?: string; cause?: unknown; retryAfterMs?: number; status?: number } = {},
  ) {
    super(code, message, options);
    this.retryAfterMs = retryAfterMs;
    this.status = status;
  }
}

/** The `retryAfterMs` of a PublishError; 0 for any other error. */
export function retryAfterOf(error: unknown): number {
  return error instanceof PublishError ? error.retryAfterMs : 0;
}

/** The status port could not be opened. */
export class StatusPortError extends ConnectorError {
  readonly code = 'STATUS_PORT';
}

/** The fields of an error for a log line. The error object itself is never logged: its `cause` may contain anything. */
export function describeError(error: unknown): { code: string; error: string; remedy?: string } {
  if (error instanceof ConnectorError) {
    return {
      code: error.code,
      error: error.message,
      ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
    };
  }
  const name = error instanceof Error ? error.name : typeof error;
  return { code: 'UNEXPECTED', error: error instanceof Error ? `${name}: ${error.message}` : name };
}

/** The code that Node.js or undici gave an error, searched along `cause` and inside an AggregateError. */
export function systemCode(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 8; depth += 1) {
    if ('code' in at && typeof at.code === 'string') return at.code;
    at = at instanceof AggregateError ? at.errors[0] : at.cause;
  }
  return undefined;
}

/** The codes of undici's own errors: only a reader of its sources knows them. */
const UNDICI_CODES: Readonly<Record<string, string>> = {
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  UND_ERR_HEADERS_OVERFLOW: 'its headers are too large',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_BODY_TIMEOUT: 'its answer stopped',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'its answer was cut off',
  UND_ERR_SOCKET: 'the connection was closed',
};

/** The code of a failed request: of the system, of TLS or of undici; without one, the name of the error. */
export function transportCode(error: unknown): string {
  return systemCode(error) ?? (error instanceof Error ? error.name : 'unknown');
}

/** A code of `transportCode` as messages quote it: undici's in words, any other as it is. */
export function quotedCode(code: string): string {
  return UNDICI_CODES[code] ?? code;
}
