import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConsulErrorCode } from '../../../src/errors.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { type Answer, textAnswer } from '../../fixtures/consul/answer.ts';
import { refusals } from '../../fixtures/consul/refusals.ts';
import { ask, startConsul } from './asking.ts';
import { fastClock } from './fast-clock.ts';

const WRITE_POLICY = /service "ambassador" \{ policy = "write" \}/;

for (const [what, answer, code, remedy] of [
  ['a 500 without a leader', refusals.noClusterLeader, 'CONSUL_NO_LEADER', /raft list-peers/],
  ['a connection that ends', refusals.connectionToServerLost, 'CONSUL_NO_SERVERS', /consul members/],
  ['a server that refuses its agent', refusals.serverRefusesAgent, 'CONSUL_NO_SERVERS', /8300/],
  ['an agent without servers', refusals.noKnownServers, 'CONSUL_NO_SERVERS', /consul members/],
  [
    'a rate limit turned into a 500',
    refusals.rateLimitedByAgent,
    'CONSUL_RATE_LIMITED',
    /csr_max_per_second/,
  ],
  ['a 429 with text', refusals.rateLimited, 'CONSUL_RATE_LIMITED', /http_max_conns_per_client/],
  ['an empty 429', refusals.rateLimitedSilently, 'CONSUL_RATE_LIMITED', /request_limits/],
  ['a 503', refusals.unavailable, 'CONSUL_UNEXPECTED_STATUS', /agent and its servers run/],
  ['a 403 that names the permission', refusals.permissionDenied, 'CONSUL_PERMISSION_DENIED', WRITE_POLICY],
  ['a bare 403', refusals.permissionDeniedByRpc, 'CONSUL_PERMISSION_DENIED', WRITE_POLICY],
  [
    'a 403 turned into a 500',
    { ...refusals.permissionDeniedByRpc, status: 500 },
    'CONSUL_PERMISSION_DENIED',
    WRITE_POLICY,
  ],
  ['an unknown token', refusals.aclNotFound, 'CONSUL_TOKEN_UNKNOWN', /CONSUL_HTTP_TOKEN/],
  ['a 404', refusals.notFound, 'CONSUL_NOT_FOUND', /_CONSUL_HOST and _CONSUL_PORT/],
  [
    'namespaces on a community edition',
    refusals.namespacesAreEnterprise,
    'CONSUL_NAMESPACES_ENTERPRISE',
    /unset CONSUL_NAMESPACE/,
  ],
  [
    'partitions on a community edition',
    refusals.partitionsAreEnterprise,
    'CONSUL_NAMESPACES_ENTERPRISE',
    /CONSUL_PARTITION/,
  ],
  [
    'Connect switched off',
    refusals.connectDisabled,
    'CONSUL_CONNECT_DISABLED',
    /connect \{ enabled = true \}/,
  ],
  ['a CA that is not initialised', refusals.caNotInitialised, 'CONSUL_CA_NOT_READY', /Consul leader/],
  ['a 504 with an HTML page', refusals.gatewayTimeout, 'CONSUL_UNEXPECTED_STATUS', /log of that proxy/],
  [
    'a sign-in page under 200',
    refusals.signInPage,
    'CONSUL_INVALID_RESPONSE',
    /_CONSUL_HOST and _CONSUL_PORT/,
  ],
  ['HTTP sent to an HTTPS port', refusals.httpToHttps, 'CONSUL_HTTP_TO_HTTPS', /CONSUL_HTTP_SSL=true/],
  [
    'a datacenter without a path',
    refusals.noPathToDatacenter,
    'CONSUL_UNKNOWN_DATACENTER',
    /consul catalog datacenters/,
  ],
  ['a 500 that nobody knows', textAnswer(500, 'no idea'), 'CONSUL_UNEXPECTED_STATUS', /log of the Consul/],
  ['a 400 that nobody knows', textAnswer(400, 'no idea'), 'CONSUL_UNEXPECTED_STATUS', /what Consul says/],
] satisfies [string, Answer, ConsulErrorCode, RegExp][]) {
  test(`${what} is ${code} with its remedy, and the next good answer is taken`, async (t) => {
    const consul = await startConsul(t);
    let asked = 0;
    consul.script('leaf', () => {
      asked += 1;
      return asked === 1 ? answer : undefined;
    });

    const asking = ask(t, consul, { clock: fastClock(5) });

    await eventually('the good answer', () => asking.answers.length === 1);
    const [error, ...others] = asking.errors;
    assert.equal(error?.code, code);
    assert.match(error.remedy ?? '', remedy);
    assert.doesNotMatch(error.message, /</);
    assert.deepEqual(others, []);
  });
}
