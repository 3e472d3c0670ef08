import { ConsulError, type ConsulErrorCode, systemCode } from '../errors.ts';

interface KnownFailure {
  readonly code: ConsulErrorCode;
  readonly status?: number;
  readonly text: RegExp;
  readonly cause: string;
  readonly remedy: (service: string) => string;
}

/**
 * What Consul says when something has a known cause, most telling first. The text decides before the status: a client
 * agent turns a server's 429 or 403 into a 500.
 */
const KNOWN_FAILURES: readonly KnownFailure[] = [
  {
    code: 'CONSUL_TOKEN_UNKNOWN',
    text: /ACL not found|token does not exist/i,
    cause: 'Consul does not know the ACL token',
    remedy: () => 'set CONSUL_HTTP_TOKEN to a token that exists: consul acl token list',
  },
  {
    code: 'CONSUL_PERMISSION_DENIED',
    text: /Permission denied|lacks permission/i,
    cause: 'the ACL token may not have the leaf of this service',
    remedy: (service) => `attach a policy with: service "${service}" { policy = "write" }`,
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
    text: /No cluster leader/i,
    cause: 'the Consul cluster has no leader',
    remedy: () =>
      'wait for the election, or see that a majority of the servers runs: consul operator raft list-peers',
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
    remedy: () => 'set _CONSUL_PORT to the HTTP port of Consul (8500 by default, HTTPS is 8501)',
  },
  {
    code: 'CONSUL_NAMESPACES_ENTERPRISE',
    text: /namespaces? (?:are|is) a Consul Enterprise feature|Invalid query parameter: "(?:ns|partition)"/i,
    cause: 'this Consul is not Enterprise and knows no namespaces or partitions',
    remedy: () => 'unset CONSUL_NAMESPACE and CONSUL_PARTITION',
  },
  {
    code: 'CONSUL_CA_NOT_READY',
    text: /CA is uninitialized|CA (?:is )?not (?:yet )?initialized|internal error: CA provider is nil/i,
    cause: 'the Connect CA is not initialised yet',
    remedy: () => 'wait; if it stays, read the CA provider errors in the log of the Consul leader',
  },
  {
    code: 'CONSUL_RATE_LIMITED',
    status: 429,
    text: /(?:)/,
    cause: 'Consul limits the rate of requests',
    remedy: () => 'nothing if it passes; else raise limits.request_limits of the servers',
  },
  {
    code: 'CONSUL_PERMISSION_DENIED',
    status: 403,
    text: /(?:)/,
    cause: 'Consul, or a proxy before it, refused the request',
    remedy: (service) => `attach a policy with: service "${service}" { policy = "write" }`,
  },
  {
    code: 'CONSUL_NOT_FOUND',
    status: 404,
    text: /(?:)/,
    cause: 'what answers is not a Consul agent with Connect (1.2 or newer)',
    remedy: () => 'set _CONSUL_HOST and _CONSUL_PORT to the HTTP API of Consul',
  },
];

/** The error for an answer that is not 200. `text` is the body: looked at, quoted only when short and plain. */
export function errorOfStatus(status: number, text: string, service: string): ConsulError {
  const known = KNOWN_FAILURES.find(
    (failure) => (failure.status ?? status) === status && failure.text.test(text),
  );
  const said = quote(text);
  if (known !== undefined) {
    return new ConsulError(known.code, `${known.cause} (${status}${said})`, {
      remedy: known.remedy(service),
    });
  }
  return new ConsulError('CONSUL_STATUS', `Consul answered ${status}${said}`, {
    remedy: status >= 500 ? 'read the log of the Consul agent and servers' : 'read what Consul says',
  });
}

function quote(text: string): string {
  const line = text.trim().split('\n', 1)[0] ?? '';
  return line === '' || line.startsWith('<') ? '' : `: ${line.slice(0, 200)}`;
}

const UNREACHABLE_REMEDIES: Readonly<Record<string, string>> = {
  ECONNREFUSED:
    'nothing listens there: since Consul 1.14 (consul-k8s 1.0) nodes have no agent; set _CONSUL_HOST to the Service of the servers, such as consul-server.consul.svc',
  ENOTFOUND: 'the name in _CONSUL_HOST does not resolve: use the full name, such as consul-server.consul.svc',
  EAI_AGAIN: 'the DNS server does not answer: see the DNS of the Pod',
  EHOSTUNREACH: 'there is no route to _CONSUL_HOST: see NetworkPolicies and hostIP',
  ENETUNREACH: 'there is no route to _CONSUL_HOST: see the network of the Pod',
};

/** The error for a request that got no whole answer. */
export function errorOfTransport(error: unknown, endpoint: string): ConsulError {
  const code = systemCode(error) ?? (error instanceof Error ? error.name : 'unknown');
  const text = error instanceof Error ? error.message : '';
  if (/SSL|TLS|CERT|wrong version number/i.test(`${code} ${text}`)) {
    return new ConsulError('CONSUL_TLS', `TLS with Consul at ${endpoint} failed (${code})`, { cause: error });
  }
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') {
    return new ConsulError('CONSUL_ANSWER_UNUSABLE', `the answer of ${endpoint} is larger than 8 MiB`, {
      remedy: 'what answers is not Consul: see _CONSUL_HOST and _CONSUL_PORT',
      cause: error,
    });
  }
  return new ConsulError('CONSUL_UNREACHABLE', `Consul at ${endpoint} cannot be reached (${code})`, {
    remedy: UNREACHABLE_REMEDIES[code] ?? 'see that Consul runs and that nothing between cuts connections',
    cause: error,
  });
}
