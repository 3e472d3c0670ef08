import { ConsulError, type ConsulErrorCode } from '../../errors.ts';
import { foreignText } from '../../lib/foreign-text.ts';
import { HTTPS_TO_HTTP } from './transport.ts';

interface KnownFailure {
  readonly code: ConsulErrorCode;
  /** Default: any status. */
  readonly status?: (status: number) => boolean;
  readonly text: RegExp;
  readonly cause: string;
  readonly remedy: (requested: Requested) => string;
  /** Quote the whole text, because its first line does not contain the reason. */
  readonly quotesAll?: true;
}

/** The requested service and the kind of token, for remedies that name what to change. */
export interface Requested {
  readonly service: string;
  readonly token: TokenKind;
}

export type TokenKind = 'none' | 'value' | 'file' | 'login';

/** How to provide another token. */
const TOKEN_PLACES: Readonly<Record<TokenKind, string>> = {
  none: 'set CONSUL_HTTP_TOKEN, CONSUL_HTTP_TOKEN_FILE or CONSUL_LOGIN_AUTH_METHOD',
  value: 'set CONSUL_HTTP_TOKEN to a token that exists',
  file: 'put a token that exists into the file of CONSUL_HTTP_TOKEN_FILE; it is read again at once',
  login: 'none, a new login follows; if the error persists, check the ACL replication of Consul',
};

const SEE_SERVERS =
  'check that the Consul servers run, including those of CONSUL_DATACENTER, and that the agent reaches them on port 8300: consul members, and its log';

const SEE_LEADER =
  'wait for the election, or check that a majority of the servers runs: consul operator raft list-peers';

const TOKEN_UNKNOWN = /ACL not found|token does not exist/i;

/** Whether Consul reports that the token does not exist, not that it lacks a permission. */
export function isTokenUnknown(text: string): boolean {
  return TOKEN_UNKNOWN.test(text);
}

/** Whether this error code means that Consul refuses the token. */
function refusesToken(code: ConsulErrorCode | undefined): boolean {
  return code === 'CONSUL_TOKEN_UNKNOWN' || code === 'CONSUL_PERMISSION_DENIED';
}

/** Whether Consul refuses the token. Not decided by the status: a client agent turns a server's 403 into a 500. */
export function isDenied(status: number, text: string): boolean {
  return status !== 200 && refusesToken(knownFailure(status, text)?.code);
}

/** The minimal permission to grant: the leaf needs `service:write`, the roots need none. */
function permissionRemedy({ service, token }: Requested): string {
  const rule = `service "${service}" { policy = "write" }`;
  if (token === 'none')
    return `${TOKEN_PLACES.none}: no token was sent, and a token with this policy is needed: ${rule}`;
  if (token === 'login') {
    return `grant the permission to the login: consul acl binding-rule create -method=METHOD -bind-type=service -bind-name=${service}`;
  }
  return `attach a policy with: ${rule}`;
}

function is(wanted: number): (status: number) => boolean {
  return (status) => status === wanted;
}

/**
 * Consul's errors with a known cause, most specific first. Except for a redirect, which never comes from Consul, the text takes
 * precedence over the status: a client agent turns a server's 429 or 403 into a 500.
 */
const KNOWN_FAILURES: readonly KnownFailure[] = [
  {
    code: 'CONSUL_REDIRECT',
    status: (status) => status >= 300 && status < 400,
    text: /(?:)/,
    cause: 'Consul, or a proxy in front of it, redirects',
    remedy: () => 'set _CONSUL_HOST and _CONSUL_PORT to its target: redirects are not followed with a token',
  },
  {
    // Before the others, because Vault answers `permission denied` about Consul's own Vault token.
    code: 'CONSUL_CA_PROVIDER_FAILED',
    text: /error (?:issuing|signing) cert|error generating (?:CA )?(?:root|intermediate)|Error making API request/i,
    cause: 'the CA provider of Consul failed to sign',
    remedy: () =>
      'see the error of the provider (Vault, AWS) here and in the log of the Consul leader: its own token, policy or address is wrong, not the token of the connector',
    quotesAll: true,
  },
  {
    code: 'CONSUL_ACLS_NOT_BOOTSTRAPPED',
    text: /ACL system must be bootstrapped/i,
    cause: 'the ACL system of Consul is not bootstrapped yet',
    remedy: () => 'run consul acl bootstrap, and create a token for the connector',
  },
  {
    code: 'CONSUL_ENDPOINT_BLOCKED',
    text: /Endpoint is blocked by agent configuration/i,
    cause: 'the Consul agent blocks this endpoint',
    remedy: () =>
      'remove /v1/agent/connect/ca from http_config.block_endpoints of that agent, or set _CONSUL_HOST to another one',
  },
  {
    code: 'CONSUL_TOKEN_UNKNOWN',
    text: TOKEN_UNKNOWN,
    cause: 'the ACL token does not exist in Consul',
    remedy: ({ token }) => `${TOKEN_PLACES[token]} (consul acl token list)`,
  },
  {
    code: 'CONSUL_PERMISSION_DENIED',
    text: /Permission denied|lacks permission/i,
    cause: 'the ACL token lacks service:write on this service',
    remedy: permissionRemedy,
  },
  {
    code: 'CONSUL_ACLS_DISABLED',
    text: /ACL support disabled/i,
    cause: 'ACLs are disabled in Consul',
    remedy: () => 'unset the token or the login: none is needed; or enable ACLs in every Consul agent',
  },
  {
    code: 'CONSUL_CONNECT_DISABLED',
    text: /Connect must be enabled/i,
    cause: 'Consul Connect is not enabled',
    remedy: () =>
      'add connect { enabled = true } to the configuration of every Consul server, and restart them',
  },
  {
    code: 'CONSUL_NO_LEADER',
    text: /No cluster leader|Raft leader not found/i,
    cause: 'the Consul cluster has no leader',
    remedy: () => SEE_LEADER,
  },
  {
    code: 'CONSUL_NO_LEADER',
    // From a server without a leader, for a blocking query whose wait ends first (seen with 1.8.7 and 1.16.4).
    text: /response type not correct/i,
    cause: 'the Consul servers did not answer the agent before the wait ended',
    remedy: () => SEE_LEADER,
  },
  {
    code: 'CONSUL_NO_SERVERS',
    // The client agent's own errors, and those for a connection that fails or ends during a query.
    text: /No known Consul servers|rpc error getting client|rpc error making call: (?:EOF|stream closed|session shutdown|i\/o|(?:dial|read|write) tcp)/i,
    cause: 'the Consul agent cannot reach its servers',
    remedy: () => SEE_SERVERS,
  },
  {
    code: 'CONSUL_UNKNOWN_DATACENTER',
    text: /No path to datacenter/i,
    cause: 'Consul has no path to the requested datacenter',
    remedy: () => 'set CONSUL_DATACENTER to one of: consul catalog datacenters',
  },
  {
    code: 'CONSUL_RATE_LIMITED',
    text: /too many concurrent connections/i,
    cause: 'the Consul agent has reached its limit of connections from this address',
    remedy: () =>
      'raise limits.http_max_conns_per_client of that agent, or find other clients at this address: Pods behind one address count as one',
  },
  {
    code: 'CONSUL_RATE_LIMITED',
    text: /RPC rate limit exceeded/i,
    cause: 'the Consul agent limits the rate of its requests to the servers',
    remedy: () =>
      'none if it is temporary; otherwise raise limits.rpc_rate and limits.rpc_max_burst of that agent',
  },
  {
    code: 'CONSUL_RATE_LIMITED',
    text: /rate limit exceeded/i,
    cause: 'the Consul servers limit the rate of requests',
    remedy: () => 'none if it is temporary; otherwise raise limits.request_limits of the servers',
  },
  {
    code: 'CONSUL_RATE_LIMITED',
    text: /rate limit|too many requests|Limit reached/i,
    cause: 'Consul limits the rate of certificate requests',
    remedy: () =>
      'none if it is temporary; otherwise raise csr_max_per_second of the CA or limits.request_limits',
  },
  {
    code: 'CONSUL_HTTP_TO_HTTPS',
    text: /HTTP request to an HTTPS server/i,
    cause: 'the port serves HTTPS, but was queried with HTTP',
    remedy: () => 'set CONSUL_HTTP_SSL=true, or _CONSUL_PORT to the HTTP port of Consul (8500 by default)',
  },
  {
    // Go's answer to a request that it cannot parse, such as a TLS handshake.
    code: 'CONSUL_TLS',
    status: is(400),
    text: /^400 Bad Request/,
    cause: HTTPS_TO_HTTP.cause,
    remedy: () => HTTPS_TO_HTTP.remedy,
  },
  {
    code: 'CONSUL_SERVICE_NAME_REFUSED',
    text: /SPIFFE ID is not in the expected format|URI must be either service/i,
    cause: 'Consul does not sign a leaf for a service of this name',
    remedy: ({ service }) =>
      `set _CONSUL_SERVICE to a name of letters, digits and "-" instead of "${service}"`,
  },
  {
    code: 'CONSUL_NAMESPACES_ENTERPRISE',
    text: /namespaces? (?:are|is) a Consul Enterprise feature|Invalid query parameter: "(?:ns|partition)"/i,
    cause: 'this Consul is not Enterprise and does not support namespaces or partitions',
    remedy: () => 'unset CONSUL_NAMESPACE and CONSUL_PARTITION',
  },
  {
    code: 'CONSUL_CA_NOT_READY',
    text: /CA is uninitialized|CA root is nil|CA (?:is )?not (?:yet )?initialized|CA has not finished initializing|no CA roots|no CA bootstrapped yet|CA provider is nil/i,
    cause: 'the Connect CA is not initialised yet',
    remedy: () =>
      'wait; if the error persists, check the log of the Consul leader for CA provider errors. A secondary datacenter waits for its primary',
  },
  {
    code: 'CONSUL_CA_NOT_READY',
    text: /(?:root|intermediate) expired:/i,
    cause: 'a certificate of the Connect CA has expired',
    remedy: () => 'rotate the CA root: consul connect ca set-config; then check the log of the Consul leader',
  },
  {
    code: 'CONSUL_RATE_LIMITED',
    status: is(429),
    text: /(?:)/,
    cause: 'Consul limits the rate of requests',
    remedy: () => 'none if it is temporary; otherwise raise limits.request_limits of the servers',
  },
  {
    code: 'CONSUL_UNAUTHORIZED',
    status: is(401),
    text: /(?:)/,
    cause: 'a proxy in front of Consul requires a user and a password',
    remedy: () => 'set CONSUL_HTTP_AUTH to the user:password that this proxy accepts',
  },
  {
    code: 'CONSUL_PERMISSION_DENIED',
    status: is(403),
    text: /(?:)/,
    cause: 'Consul, or a proxy in front of it, refused the request',
    remedy: permissionRemedy,
  },
  {
    code: 'CONSUL_NOT_FOUND',
    status: is(404),
    text: /(?:)/,
    cause: 'the server is not a Consul agent with Connect (1.2 or newer)',
    remedy: () => 'set _CONSUL_HOST and _CONSUL_PORT to the HTTP API of Consul',
  },
  {
    code: 'CONSUL_UNEXPECTED_STATUS',
    text: /^\s*</,
    cause: 'a proxy in front of Consul answered with a page of its own',
    remedy: () =>
      'check the log of that proxy; its timeout must be longer than _CONSUL_WAIT; or connect without it',
  },
  {
    code: 'CONSUL_UNEXPECTED_STATUS',
    status: is(503),
    text: /(?:)/,
    cause: 'Consul, or a proxy in front of it, is not available',
    remedy: () => 'check that the Consul agent and its servers run; a proxy answers this if it reaches none',
  },
];

/** The error for an answer that is not 200. `text` is the body, of which only a plain first line is quoted. */
export function errorOfStatus(status: number, text: string, requested: Requested): ConsulError {
  const known = knownFailure(status, text);
  const said = quote(known?.quotesAll === true ? text.replaceAll(/\s+/g, ' ') : text);
  if (known !== undefined) {
    const message = `${known.cause} (${status}${said})`;
    return new ConsulError(known.code, message, { remedy: known.remedy(requested) });
  }
  return new ConsulError('CONSUL_UNEXPECTED_STATUS', `Consul answered ${status}${said}`, {
    remedy: status >= 500 ? 'check the log of the Consul agent and servers' : 'see the answer of Consul',
  });
}

/** For a token that may not have the leaf signed, even if the agent returns one from its cache. */
export function errorOfMissingPermission(requested: Requested): ConsulError {
  return new ConsulError(
    'CONSUL_PERMISSION_DENIED',
    `the ACL token lacks service:write on service ${requested.service}`,
    { remedy: permissionRemedy(requested) },
  );
}

function knownFailure(status: number, text: string): KnownFailure | undefined {
  return KNOWN_FAILURES.find((failure) => failure.status?.(status) !== false && failure.text.test(text));
}

/** For roots that the client agent fetched `ageSeconds` ago and cannot fetch again. */
export function errorOfStaleRoots(ageSeconds: number): ConsulError {
  return new ConsulError(
    'CONSUL_NO_SERVERS',
    `the CA roots of the Consul agent are ${ageSeconds} s stale: it cannot reach its servers`,
    { remedy: SEE_SERVERS },
  );
}

/**
 * The first line of Consul's answer for an error, without possible keys and tokens. Consul's own errors are plain text: HTML comes
 * from a proxy, and JSON may be the requested data under another status.
 */
export function quote(text: string): string {
  const [line = ''] = text.trim().split('\n', 1);
  const said = /^[<{["]/.test(line) ? '' : foreignText(line);
  return said === '' ? '' : `: ${said}`;
}
