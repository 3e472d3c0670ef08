import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorOfStatus, isDenied } from '../../../src/consul/errors/status.ts';
import type { ConsulErrorCode } from '../../../src/errors.ts';

// Refusals recorded from Consul 1.8.7 and 1.16.4 for queries of roots and leaf, each text once; below, those of newer versions
// and of the CA providers, from their source, and those of proxies.

const LACKS = `lacks permission 'service:write' on "ambassador"`;
const RULE = /service "ambassador" \{ policy = "write" \}/;
const BY_RPC = 'rpc error making call: ';
const NO_CONNECTION =
  'rpc error getting client: failed to get conn: dial tcp 127.0.0.1:0->127.0.0.1:8300: connect: connection refused';
const VAULT = `error issuing cert: Error making API request.

URL: PUT https://vault:8200/v1/connect_inter/sign/leaf-cert
Code: 403. Errors:

* permission denied`;

const REFUSALS: readonly (readonly [number, string, ConsulErrorCode, RegExp])[] = [
  [403, 'ACL not found', 'CONSUL_TOKEN_UNKNOWN', /a token that exists/],
  [403, `${BY_RPC}ACL not found`, 'CONSUL_TOKEN_UNKNOWN', /a token that exists/],
  [403, 'token does not exist: ACL not found', 'CONSUL_TOKEN_UNKNOWN', /a token that exists/],
  [403, 'Permission denied', 'CONSUL_PERMISSION_DENIED', RULE],
  [403, `${BY_RPC}Permission denied`, 'CONSUL_PERMISSION_DENIED', RULE],
  [403, `Permission denied: token with AccessorID 'd38d78e5' ${LACKS}`, 'CONSUL_PERMISSION_DENIED', RULE],
  [403, `${BY_RPC}Permission denied: anonymous token ${LACKS}.`, 'CONSUL_PERMISSION_DENIED', RULE],
  [401, 'ACL support disabled', 'CONSUL_ACLS_DISABLED', /unset the token/],
  [
    403,
    'Endpoint is blocked by agent configuration',
    'CONSUL_ENDPOINT_BLOCKED',
    /http_config\.block_endpoints/,
  ],
  [500, 'No known Consul servers', 'CONSUL_NO_SERVERS', /consul members/],
  [500, NO_CONNECTION, 'CONSUL_NO_SERVERS', /8300.*consul members/],
  [500, `${BY_RPC}EOF`, 'CONSUL_NO_SERVERS', /consul members/],
  [500, 'No cluster leader', 'CONSUL_NO_LEADER', /raft list-peers/],
  [500, 'Connect must be enabled in order to use this endpoint', 'CONSUL_CONNECT_DISABLED', /connect \{/],
  [500, 'internal error: response type not correct', 'CONSUL_NO_LEADER', /raft list-peers/],
  [500, 'internal error: CA root is nil', 'CONSUL_CA_NOT_READY', /waits for its primary/],
  [500, 'CA has not finished initializing', 'CONSUL_CA_NOT_READY', /waits for its primary/],
  [500, 'No path to datacenter', 'CONSUL_UNKNOWN_DATACENTER', /consul catalog datacenters/],
  [429, 'Rate limit reached, try again later', 'CONSUL_RATE_LIMITED', /csr_max_per_second/],
  [
    429,
    'Your IP is issuing too many concurrent connections, please rate limit your calls\n',
    'CONSUL_RATE_LIMITED',
    /limits\.http_max_conns_per_client/,
  ],
  [
    429,
    'rate limit exceeded, try again later or against a different server',
    'CONSUL_RATE_LIMITED',
    /limits\.request_limits/,
  ],
  [
    503,
    `${BY_RPC}rate limit exceeded for operation that can only be performed by the leader, try again later`,
    'CONSUL_RATE_LIMITED',
    /limits\.request_limits/,
  ],
  [400, 'Client sent an HTTP request to an HTTPS server.\n', 'CONSUL_HTTP_TO_HTTPS', /CONSUL_HTTP_SSL=true/],
  [400, '400 Bad Request', 'CONSUL_TLS', /CONSUL_HTTP_SSL=false/],
  [
    400,
    'Bad request: Invalid query parameter: "ns" - Namespaces are a Consul Enterprise feature',
    'CONSUL_NAMESPACES_ENTERPRISE',
    /unset CONSUL_NAMESPACE/,
  ],
  [
    400,
    'Invalid query parameter: "partition" - Partitions are a Consul Enterprise feature',
    'CONSUL_NAMESPACES_ENTERPRISE',
    /CONSUL_PARTITION/,
  ],
  [
    500,
    'SPIFFE ID is not in the expected format: spiffe://ce301d22.consul/ns/default/dc/dc1/svc/a/b%20c',
    'CONSUL_SERVICE_NAME_REFUSED',
    /set _CONSUL_SERVICE/,
  ],
  [
    500,
    'URI must be either service, agent, server, or kind',
    'CONSUL_SERVICE_NAME_REFUSED',
    /set _CONSUL_SERVICE/,
  ],
  [404, 'Invalid URL path: not a recognized HTTP API endpoint\n', 'CONSUL_NOT_FOUND', /_CONSUL_HOST/],
  [404, '', 'CONSUL_NOT_FOUND', /_CONSUL_HOST/],

  [500, `${BY_RPC}no CA roots`, 'CONSUL_CA_NOT_READY', /wait/],
  [500, 'cluster has no CA bootstrapped yet', 'CONSUL_CA_NOT_READY', /wait/],
  [500, 'root expired: not after 2026-01-01', 'CONSUL_CA_NOT_READY', /rotate the CA root/],
  [500, 'intermediate expired: not after 2026-01-01', 'CONSUL_CA_NOT_READY', /rotate the CA root/],
  [500, 'Raft leader not found in server lookup mapping', 'CONSUL_NO_LEADER', /raft list-peers/],
  [500, `${BY_RPC}RPC rate limit exceeded`, 'CONSUL_RATE_LIMITED', /limits\.rpc_rate/],
  [
    403,
    'ACL system must be bootstrapped before making any requests that require authorization',
    'CONSUL_ACLS_NOT_BOOTSTRAPPED',
    /consul acl bootstrap/,
  ],
  [500, VAULT, 'CONSUL_CA_PROVIDER_FAILED', /its own token, policy or address/],
  [
    500,
    'rpc error making call: CA is uninitialized and unable to sign certificates yet: no root certificate',
    'CONSUL_CA_NOT_READY',
    /Consul leader/,
  ],
  // A client agent turns the refusals of a server into a 500.
  [500, `${BY_RPC}Permission denied`, 'CONSUL_PERMISSION_DENIED', RULE],
  [500, `${BY_RPC}Rate limit reached, try again later`, 'CONSUL_RATE_LIMITED', /csr_max_per_second/],

  [429, '', 'CONSUL_RATE_LIMITED', /request_limits/],
  [503, 'Service Unavailable', 'CONSUL_UNEXPECTED_STATUS', /agent and its servers run/],
  [504, '<html><h1>504 Gateway Time-out</h1></html>\n', 'CONSUL_UNEXPECTED_STATUS', /log of that proxy/],
  [500, 'no idea', 'CONSUL_UNEXPECTED_STATUS', /log of the Consul/],
  [400, 'no idea', 'CONSUL_UNEXPECTED_STATUS', /the answer of Consul/],
];

for (const [status, text, code, remedy] of REFUSALS) {
  test(`16, T3, T4, T5, T11: ${status} ${JSON.stringify(text.slice(0, 90))} is ${code}`, () => {
    const error = errorOfStatus(status, text, { service: 'ambassador', token: 'value' });
    assert.equal(error.code, code);
    assert.match(error.remedy ?? '', remedy);
    assert.doesNotMatch(error.message, /</);
  });
}

test('T4: a refusal by Vault is shown in full, and is no refusal of the token', () => {
  const error = errorOfStatus(500, VAULT, { service: 'ambassador', token: 'login' });
  assert.match(error.message, /URL: PUT https:\/\/vault:8200\/\S+ Code: 403\. Errors: \* permission denied/);
  assert.equal(isDenied(500, VAULT), false);
});

test('T5: a blocked endpoint, and ACLs that are not bootstrapped, are no refusal of the token', () => {
  for (const [status, text, code] of REFUSALS) {
    const ofTheToken = code === 'CONSUL_TOKEN_UNKNOWN' || code === 'CONSUL_PERMISSION_DENIED';
    assert.equal(isDenied(status, text), ofTheToken, text);
  }
});
