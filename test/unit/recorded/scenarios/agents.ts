import {
  BOTH,
  DENIED,
  DENIED_CACHED,
  NO_TOKEN,
  NO_TOKEN_CACHED,
  of,
  published,
  refused,
  scenario,
  UNKNOWN,
  UNKNOWN_CACHED,
} from '../outcomes.ts';
import type { Scenario } from '../scenario.ts';

const SEE_SERVERS = /port 8300: consul members/;
const NO_SERVERS = refused('CONSUL_NO_SERVERS', 'consul', BOTH, SEE_SERVERS);
const STALE = {
  ...published(),
  check: 'warn consul CONSUL_NO_SERVERS',
  run: ['published', 'roots CONSUL_NO_SERVERS', 'stale CONSUL_NO_SERVERS'],
  remedy: SEE_SERVERS,
};
const GOOD = { token: '<good-token>' };
const LOST = 'client-server-lost';

/** A client agent: by the token that is sent, and as it loses its servers. */
export const AGENTS: readonly Scenario[] = [
  scenario('a client agent', published(), {
    answers: of('client', 'roots-first roots-blocking-timeout leaf-first leaf-blocking-timeout'),
  }),
  scenario('a client agent, a good token', published(), {
    answers: of('client-acl-good-token', 'roots token-self authorize leaf'),
    ...GOOD,
  }),
  scenario('a client agent, no token', NO_TOKEN, {
    answers: of('client-acl-no-token', 'roots authorize leaf'),
  }),
  scenario('T1: a client agent, no token, and the leaf cached for a good one', NO_TOKEN_CACHED, {
    answers: of('client-acl-no-token', 'roots authorize leaf-cached-for-good-token'),
  }),
  scenario('T1: a client agent, unknown-token, and the leaf cached for a good one', UNKNOWN_CACHED, {
    answers: of('client-acl-unknown-token', 'roots token-self authorize leaf-cached-for-good-token'),
    token: '<unknown-token>',
  }),
  ...['unknown-token', 'malformed-token', 'revoked-token'].map((kind) =>
    scenario(`a client agent, ${kind}`, UNKNOWN, {
      answers: of(`client-acl-${kind}`, 'roots token-self authorize leaf'),
      token: `<${kind}>`,
    }),
  ),
  ...(
    [
      ['1.16.4', 'service-read', '<service-read-token>'],
      ['1.16.4', 'other-service', '<other-service-token>'],
      ['1.16.4', 'token-without-rules', '<token-without-rules>'],
      ['1.8.7', 'token-without-rules', '<token-without-rules>'],
    ] as const
  ).map(([version, kind, token]) =>
    scenario(`${version}: a client agent, ${kind}`, DENIED, {
      answers: of(`${version}/client-acl-${kind}`, 'roots token-self authorize leaf'),
      token,
    }),
  ),
  // Its client agent answers `ACL not found` about the rights of a token without rules. The leaf was recorded from its server.
  scenario('1.8.7: T1: a client agent, a token that lost its rule, its leaf cached', DENIED_CACHED, {
    answers: [
      ...of('1.8.7/client-acl-token-without-rules', 'roots token-self authorize'),
      '1.8.7/acl-token-lost-rule-leaf-cached',
    ],
    token: ['<token-that-lost-its-rule>', '<token-without-rules>'],
  }),
  scenario('1.8.7: a client agent, no token', NO_TOKEN, {
    answers: of('1.8.7/client-acl-no-token', 'roots authorize leaf'),
  }),
  scenario('a client agent that never had a server', NO_SERVERS, {
    answers: of('client-never-had-servers', 'roots leaf'),
  }),
  scenario('a client agent that is losing its servers', published(), {
    answers: [
      ...of('client', 'roots-second leaf-second'),
      ...of(LOST, 'roots-blocking-open leaf-blocking-open'),
    ],
    run: ['published', 'roots CONSUL_NO_SERVERS'],
    remedy: SEE_SERVERS,
  }),
  scenario('a client agent that has lost its servers', STALE, {
    answers: of(LOST, 'roots roots-blocking leaf leaf-blocking'),
  }),
  scenario('a client agent that lost its servers long ago', STALE, {
    answers: of(LOST, 'roots-later roots-blocking-later leaf-later'),
  }),
  scenario(
    'a client agent that has lost its servers, and has no leaf yet',
    refused('CONSUL_NO_SERVERS', 'consul', [...BOTH, 'stale'], SEE_SERVERS),
    { answers: of(LOST, 'roots roots-blocking leaf-uncached'), environment: { _CONSUL_SERVICE: 'uncached' } },
  ),
  scenario('a client agent that has lost its servers, and a good token', STALE, {
    answers: of('client-acl-without-servers', 'good-token-roots good-token-leaf token-self'),
    ...GOOD,
    check: 'consul CONSUL_NO_SERVERS',
    run: ['published', 'stale CONSUL_NO_SERVERS'],
    unrecorded: ['POST /v1/internal/acl/authorize'],
  }),
  scenario('a client agent that has lost its servers, and a login', NO_SERVERS, {
    answers: of('client-acl-without-servers', 'good-token-roots login'),
    login: true,
  }),
];
