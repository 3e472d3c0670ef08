import { describe, test } from 'node:test';
import type { Answer } from '../fixtures/consul/answer.ts';
import { refusals } from '../fixtures/consul/refusals.ts';
import { holds } from './support/holds.ts';

describe('16: what Consul, or a proxy before it, says instead of an answer', { concurrency: 6 }, () => {
  for (const [what, answer, code, error, remedy] of [
    [
      '500 `No cluster leader`',
      refusals.noClusterLeader,
      'CONSUL_NO_LEADER',
      /has no leader/,
      /raft list-peers/,
    ],
    [
      '500 `No known Consul servers`, of a client agent',
      refusals.noKnownServers,
      'CONSUL_NO_SERVERS',
      /does not reach its servers/,
      /consul members/,
    ],
    [
      '500 `rpc error making call: Rate limit reached, try again later`',
      refusals.rateLimitedByAgent,
      'CONSUL_RATE_LIMITED',
      /rate of certificate requests/,
      /csr_max_per_second/,
    ],
    ['429 with text', refusals.rateLimited, 'CONSUL_RATE_LIMITED', /too many concurrent/, /request_limits/],
    [
      '429 empty',
      refusals.rateLimitedSilently,
      'CONSUL_RATE_LIMITED',
      /limits the rate of requests/,
      /request_limits/,
    ],
    [
      '503',
      refusals.unavailable,
      'CONSUL_UNEXPECTED_STATUS',
      /is not available/,
      /agent and its servers run/,
    ],
    [
      '403 `Permission denied…`',
      refusals.permissionDenied,
      'CONSUL_PERMISSION_DENIED',
      /may not have the leaf/,
      /service "ambassador" \{ policy = "write" \}/,
    ],
    [
      '403 `ACL not found`',
      refusals.aclNotFound,
      'CONSUL_TOKEN_UNKNOWN',
      /does not know the ACL token/,
      /CONSUL_HTTP_TOKEN/,
    ],
    ['404', refusals.notFound, 'CONSUL_NOT_FOUND', /not a Consul agent/, /_CONSUL_HOST and _CONSUL_PORT/],
    [
      '400 `Namespaces are a Consul Enterprise feature`',
      refusals.namespacesAreEnterprise,
      'CONSUL_NAMESPACES_ENTERPRISE',
      /knows no namespaces/,
      /unset CONSUL_NAMESPACE/,
    ],
    [
      '500 `Connect must be enabled…`',
      refusals.connectDisabled,
      'CONSUL_CONNECT_DISABLED',
      /Connect is not enabled/,
      /connect \{ enabled = true \}/,
    ],
    [
      '504 with an HTML page',
      refusals.gatewayTimeout,
      'CONSUL_UNEXPECTED_STATUS',
      /page of its own \(504\)/,
      /log of that proxy/,
    ],
    [
      '200 with an HTML page',
      refusals.signInPage,
      'CONSUL_INVALID_RESPONSE',
      /it is HTML/,
      /a proxy or a login page/,
    ],
    [
      '400 `Client sent an HTTP request to an HTTPS server.`',
      refusals.httpToHttps,
      'CONSUL_HTTP_TO_HTTPS',
      /speaks HTTPS/,
      /CONSUL_HTTP_SSL=true/,
    ],
  ] satisfies [string, Answer, string, RegExp, RegExp][]) {
    test(`16: ${what}: holds, with its own cause and remedy`, (t) =>
      holds(t, { target: 'leaf', script: () => () => answer, code, error, remedy }));
  }
});
