import { ConsulError, type ConsulErrorCode } from '../../errors.ts';
import { foreignText } from '../../lib/foreign-text.ts';
import { HTTPS_TO_HTTP } from './transport.ts';

interface KnownFailure {
  readonly code: ConsulErrorCode;
  /** Any where there is none. */
  readonly status?: (status: number) => boolean;
  readonly text: RegExp;
  readonly cause: string;
  readonly remedy: (asked: Asked) => string;
  /** Quote the whole text: its first line does not say why. */
  readonly quotesAll?: true;
}

/** What was asked for and with which token, for remedies that name what to change. */
export interface Asked {
  readonly service: string;
  readonly token: TokenKind;
}

export type TokenKind = 'none' | 'value' | 'file' | 'login';

/** Where to put another token. */
const TOKEN_PLACES: Readonly<Record<TokenKind, string>> = {
  none: 'set CONSUL_HTTP_TOKEN, CONSUL_HTTP_TOKEN_FILE or CONSUL_LOGIN_AUTH_METHOD',
  value: 'set CONSUL_HTTP_TOKEN to a token that exists',
  file: 'put a token that exists into the file of CONSUL_HTTP_TOKEN_FILE; it is read again at once',
  login: 'nothing, a new login follows; if it stays, see the ACL replication of Consul',
};

const SEE_SERVERS =
  'see that the Consul servers run, those of CONSUL_DATACENTER too, and that the agent reaches them on port 8300: consul members, and its log';

const SEE_LEADER =
  'wait for the election, or see that a majority of the servers runs: consul operator raft list-peers';

const TOKEN_UNKNOWN = /ACL not found|token does not exist/i;

/** Whether Consul says that it does not know the token, not that the token lacks a right. */
export function isTokenUnknown(text: string): boolean {
  return TOKEN_UNKNOWN.test(text);
}

/** Whether an error of this code says that Consul refuses the token. */
function refusesToken(code: ConsulErrorCode | undefined): boolean {
  return code === 'CONSUL_TOKEN_UNKNOWN' || code === 'CONSUL_PERMISSION_DENIED';
}

/** Whether it is the token that Consul refuses: a client agent turns a server's 403 into a 500. */
export function isDenied(status: number, text: string): boolean {
  return status !== 200 && refusesToken(knownFailure(status, text)?.code);
}

/** The least that has to be allowed, and where: the roots need nothing, the leaf `service:write`. */
function permissionRemedy({ service, token }: Asked): string {
  const rule = `service "${service}" { policy = "write" }`;
  if (token === 'none')
    return `${TOKEN_PLACES.none}: no token was sent, and one is needed whose policy has: ${rule}`;
  if (token === 'login') {
    return `give the login that right: consul acl binding-rule create -method=METHOD -bind-type=service -bind-name=${service}`;
  }
  return `attach a policy with: ${rule}`;
}

function is(wanted: number): (status: number) => boolean {
  return (status) => status === wanted;
}

/**
 * What Consul says when something has a known cause, most telling first. But for a redirect, which is never Consul's own, the
 * text decides before the status: a client agent turns a server's 429 or 403 into a 500.
 */
const KNOWN_FAILURES: readonly KnownFailure[] = [
  {
    code: 'CONSUL_REDIRECT',
    status: (status) => status >= 300 && status < 400,
    text: /(?:)/,
    cause: 'Consul, or a proxy before it, redirects',
    remedy: () => 'set _CONSUL_HOST and _CONSUL_PORT to where it leads: no redirect is followed with a token',
  },
  {
    // Before the others, since Vault says `permission denied` of Consul's token, which is not ours.
    code: 'CONSUL_CA_PROVIDER_FAILED',
    text: /error (?:issuing|signing) cert|error generating (?:CA )?(?:root|intermediate)|Error making API request/i,
    cause: 'the CA provider of Consul does not sign',
    remedy: () =>
      'see what the provider (Vault, AWS) says here and in the log of the Consul leader: its own token, policy or address is wrong, not the token of this program',
    quotesAll: true,
  },
  {
    code: 'CONSUL_ACLS_NOT_BOOTSTRAPPED',
    text: /ACL system must be bootstrapped/i,
    cause: 'the ACLs of Consul have no tokens yet',
    remedy: () => 'run consul acl bootstrap, and make a token for this program',
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
    cause: 'Consul does not know the ACL token',
    remedy: ({ token }) => `${TOKEN_PLACES[token]} (consul acl token list)`,
  },
  {
    code: 'CONSUL_PERMISSION_DENIED',
    text: /Permission denied|lacks permission/i,
    cause: 'the ACL token may not have the leaf of this service',
    remedy: permissionRemedy,
  },
  {
    code: 'CONSUL_ACLS_DISABLED',
    text: /ACL support disabled/i,
    cause: 'the ACLs of Consul are off',
    remedy: () => 'unset the token or the login: none is needed; or switch ACLs on in every Consul agent',
  },
  {
    code: 'CONSUL_CONNECT_DISABLED',
    text: /Connect must be enabled/i,
    cause: 'Consul Connect is not enabled',
    remedy: () =>
      'put connect { enabled = true } into the configuration of every Consul server, and restart them',
  },
  {
    code: 'CONSUL_NO_LEADER',
    text: /No cluster leader|Raft leader not found/i,
    cause: 'the Consul cluster has no leader',
    remedy: () => SEE_LEADER,
  },
  {
    code: 'CONSUL_NO_LEADER',
    // A server without a leader, asked by a query with an index whose wait ends first (seen with 1.8.7 and 1.16.4).
    text: /response type not correct/i,
    cause: 'the Consul servers did not answer the agent before the wait ended',
    remedy: () => SEE_LEADER,
  },
  {
    code: 'CONSUL_NO_SERVERS',
    // The client agent's own words, and what it says of a connection that fails or ends under a question.
    text: /No known Consul servers|rpc error getting client|rpc error making call: (?:EOF|stream closed|session shutdown|i\/o|(?:dial|read|write) tcp)/i,
    cause: 'the Consul agent does not reach its servers',
    remedy: () => SEE_SERVERS,
  },
  {
    code: 'CONSUL_UNKNOWN_DATACENTER',
    text: /No path to datacenter/i,
    cause: 'Consul knows no way to the datacenter that is asked for',
    remedy: () => 'set CONSUL_DATACENTER to one of: consul catalog datacenters',
  },
  {
    code: 'CONSUL_RATE_LIMITED',
    text: /too many concurrent connections/i,
    cause: 'the Consul agent has as many connections from this address as it allows',
    remedy: () =>
      'raise limits.http_max_conns_per_client of that agent, or see what else connects from here: pods behind one address count as one',
  },
  {
    code: 'CONSUL_RATE_LIMITED',
    text: /RPC rate limit exceeded/i,
    cause: 'the Consul agent limits the rate of its requests to the servers',
    remedy: () => 'nothing if it passes; else raise limits.rpc_rate and limits.rpc_max_burst of that agent',
  },
  {
    code: 'CONSUL_RATE_LIMITED',
    text: /rate limit exceeded/i,
    cause: 'the Consul servers limit the rate of requests',
    remedy: () => 'nothing if it passes; else raise limits.request_limits of the servers',
  },
  {
    code: 'CONSUL_RATE_LIMITED',
    text: /rate limit|too many requests|Limit reached/i,
    cause: 'Consul limits the rate of certificate requests',
    remedy: () => 'nothing if it passes; else raise csr_max_per_second of the CA or limits.request_limits',
  },
  {
    code: 'CONSUL_HTTP_TO_HTTPS',
    text: /HTTP request to an HTTPS server/i,
    cause: 'the port speaks HTTPS and was asked in HTTP',
    remedy: () => 'set CONSUL_HTTP_SSL=true, or _CONSUL_PORT to the HTTP port of Consul (8500 by default)',
  },
  {
    // What Go says of a request it cannot read, such as a TLS handshake.
    code: 'CONSUL_TLS',
    status: is(400),
    text: /^400 Bad Request/,
    cause: HTTPS_TO_HTTP.cause,
    remedy: () => HTTPS_TO_HTTP.remedy,
  },
  {
    code: 'CONSUL_SERVICE_NAME_REFUSED',
    text: /SPIFFE ID is not in the expected format|URI must be either service/i,
    cause: 'Consul signs no leaf for a service of this name',
    remedy: ({ service }) =>
      `set _CONSUL_SERVICE to a name of letters, digits and "-" instead of "${service}"`,
  },
  {
    code: 'CONSUL_NAMESPACES_ENTERPRISE',
    text: /namespaces? (?:are|is) a Consul Enterprise feature|Invalid query parameter: "(?:ns|partition)"/i,
    cause: 'this Consul is not Enterprise and knows no namespaces or partitions',
    remedy: () => 'unset CONSUL_NAMESPACE and CONSUL_PARTITION',
  },
  {
    code: 'CONSUL_CA_NOT_READY',
    text: /CA is uninitialized|CA root is nil|CA (?:is )?not (?:yet )?initialized|CA has not finished initializing|no CA roots|no CA bootstrapped yet|CA provider is nil/i,
    cause: 'the Connect CA is not initialised yet',
    remedy: () =>
      'wait; if it stays, read the CA provider errors in the log of the Consul leader. A secondary datacenter waits for its primary',
  },
  {
    code: 'CONSUL_CA_NOT_READY',
    text: /(?:root|intermediate) expired:/i,
    cause: 'a certificate of the Connect CA has expired',
    remedy: () => 'rotate the CA root: consul connect ca set-config; then read the log of the Consul leader',
  },
  {
    code: 'CONSUL_RATE_LIMITED',
    status: is(429),
    text: /(?:)/,
    cause: 'Consul limits the rate of requests',
    remedy: () => 'nothing if it passes; else raise limits.request_limits of the servers',
  },
  {
    code: 'CONSUL_UNAUTHORIZED',
    status: is(401),
    text: /(?:)/,
    cause: 'a proxy before Consul asks for a user and a password',
    remedy: () => 'set CONSUL_HTTP_AUTH to the user:password that this proxy accepts',
  },
  {
    code: 'CONSUL_PERMISSION_DENIED',
    status: is(403),
    text: /(?:)/,
    cause: 'Consul, or a proxy before it, refused the request',
    remedy: permissionRemedy,
  },
  {
    code: 'CONSUL_NOT_FOUND',
    status: is(404),
    text: /(?:)/,
    cause: 'what answers is not a Consul agent with Connect (1.2 or newer)',
    remedy: () => 'set _CONSUL_HOST and _CONSUL_PORT to the HTTP API of Consul',
  },
  {
    code: 'CONSUL_UNEXPECTED_STATUS',
    text: /^\s*</,
    cause: 'a proxy before Consul answered with a page of its own',
    remedy: () =>
      'read the log of that proxy; its time-out must be longer than _CONSUL_WAIT, or connect without it',
  },
  {
    code: 'CONSUL_UNEXPECTED_STATUS',
    status: is(503),
    text: /(?:)/,
    cause: 'Consul, or a proxy before it, is not available',
    remedy: () => 'see that the Consul agent and its servers run; a proxy says this when it reaches none',
  },
];

/** The error for an answer that is not 200. `text` is the body: looked at, quoted only when short and plain. */
export function errorOfStatus(status: number, text: string, asked: Asked): ConsulError {
  const known = knownFailure(status, text);
  const said = quote(known?.quotesAll === true ? text.replaceAll(/\s+/g, ' ') : text);
  if (known !== undefined) {
    return new ConsulError(known.code, `${known.cause} (${status}${said})`, { remedy: known.remedy(asked) });
  }
  return new ConsulError('CONSUL_UNEXPECTED_STATUS', `Consul answered ${status}${said}`, {
    remedy: status >= 500 ? 'read the log of the Consul agent and servers' : 'read what Consul says',
  });
}

/** For a token without the right to have the leaf signed, even if the agent returns one from its cache. */
export function errorOfMissingPermission(asked: Asked): ConsulError {
  return new ConsulError(
    'CONSUL_PERMISSION_DENIED',
    `the ACL token may not have a leaf of service ${asked.service} signed`,
    { remedy: permissionRemedy(asked) },
  );
}

function knownFailure(status: number, text: string): KnownFailure | undefined {
  return KNOWN_FAILURES.find((failure) => failure.status?.(status) !== false && failure.text.test(text));
}

/** For an answer about the roots that a client agent fetched so many seconds ago, and cannot fetch anew. */
export function errorOfStaleRoots(ageSeconds: number): ConsulError {
  return new ConsulError(
    'CONSUL_NO_SERVERS',
    `the Consul agent knows of the roots what it heard ${ageSeconds} s ago: it does not reach its servers`,
    { remedy: SEE_SERVERS },
  );
}

/**
 * What Consul says, for an error: its first line, without what may be a key or a token. Consul refuses in plain text: a page
 * is a proxy's, and JSON may be the answer that was asked for, under another status.
 */
export function quote(text: string): string {
  const [line = ''] = text.trim().split('\n', 1);
  const said = /^[<{["]/.test(line) ? '' : foreignText(line);
  return said === '' ? '' : `: ${said}`;
}
