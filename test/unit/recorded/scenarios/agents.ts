import {
  BOTH,
  NO_TOKEN,
  POLICY,
  published,
  publishedFromCache,
  refused,
  SEE_SERVERS,
  TOKEN_THAT_EXISTS,
} from '../outcomes.ts';
import type { Scenario } from '../scenario.ts';

const STALE = {
  comesTo: { chain: 1, roots: 1 },
  check: 'warn consul CONSUL_NO_SERVERS',
  remedy: SEE_SERVERS,
};

/** A client agent: by the token that is sent, and as it loses its servers. */
export const AGENTS: readonly Scenario[] = [
  {
    name: 'a client agent',
    answers: [
      'client-roots-first',
      'client-roots-blocking-timeout',
      'client-leaf-first',
      'client-leaf-blocking-timeout',
    ],
    ...published(),
  },
  {
    name: 'a client agent, a good token',
    answers: [
      'client-acl-good-token-roots',
      'client-acl-good-token-token-self',
      'client-acl-good-token-authorize',
      'client-acl-good-token-leaf',
    ],
    token: '<good-token>',
    ...published(),
  },
  {
    name: 'a client agent, no token',
    answers: ['client-acl-no-token-roots', 'client-acl-no-token-authorize', 'client-acl-no-token-leaf'],
    ...refused('CONSUL_PERMISSION_DENIED', 'consul-token', ['leaf'], NO_TOKEN),
  },
  {
    name: 'T1: a client agent, no token, and the leaf cached for a good one',
    answers: [
      'client-acl-no-token-roots',
      'client-acl-no-token-authorize',
      'client-acl-no-token-leaf-cached-for-good-token',
    ],
    ...publishedFromCache('CONSUL_PERMISSION_DENIED', 'consul-token', NO_TOKEN),
  },
  {
    name: 'T1: a client agent, unknown-token, and the leaf cached for a good one',
    answers: [
      'client-acl-unknown-token-roots',
      'client-acl-unknown-token-token-self',
      'client-acl-unknown-token-authorize',
      'client-acl-unknown-token-leaf-cached-for-good-token',
    ],
    token: '<unknown-token>',
    ...publishedFromCache('CONSUL_TOKEN_UNKNOWN', 'consul-token', TOKEN_THAT_EXISTS),
  },
  ...['unknown-token', 'malformed-token', 'revoked-token'].map(
    (kind): Scenario => ({
      name: `a client agent, ${kind}`,
      answers: [
        `client-acl-${kind}-roots`,
        `client-acl-${kind}-token-self`,
        `client-acl-${kind}-authorize`,
        `client-acl-${kind}-leaf`,
      ],
      token: `<${kind}>`,
      ...refused('CONSUL_TOKEN_UNKNOWN', 'consul-token', ['leaf'], TOKEN_THAT_EXISTS),
    }),
  ),
  ...['service-read', 'other-service', 'token-without-rules', '1.8.7/token-without-rules'].map(
    (kind): Scenario => {
      const [version, name] = kind.includes('/') ? kind.split('/') : ['1.16.4', kind];
      return {
        name: `${version}: a client agent, ${name}`,
        answers: ['roots', 'token-self', 'authorize', 'leaf'].map(
          (answer) => `${version}/client-acl-${name}-${answer}`,
        ),
        token: name === 'token-without-rules' ? '<token-without-rules>' : `<${name}-token>`,
        ...refused('CONSUL_PERMISSION_DENIED', 'consul-leaf', ['leaf'], POLICY),
      };
    },
  ),
  {
    // Its client agent says `ACL not found` of what a token without rules may do. The leaf was recorded of its server.
    name: '1.8.7: T1: a client agent, a token that lost its rule, its leaf cached',
    answers: [
      '1.8.7/client-acl-token-without-rules-roots',
      '1.8.7/client-acl-token-without-rules-token-self',
      '1.8.7/client-acl-token-without-rules-authorize',
      '1.8.7/acl-token-lost-rule-leaf-cached',
    ],
    token: ['<token-that-lost-its-rule>', '<token-without-rules>'],
    ...publishedFromCache('CONSUL_PERMISSION_DENIED', 'consul-leaf', POLICY),
  },
  {
    name: '1.8.7: a client agent, no token',
    answers: [
      '1.8.7/client-acl-no-token-roots',
      '1.8.7/client-acl-no-token-authorize',
      '1.8.7/client-acl-no-token-leaf',
    ],
    ...refused('CONSUL_PERMISSION_DENIED', 'consul-token', ['leaf'], NO_TOKEN),
  },
  {
    name: 'a client agent that never had a server',
    answers: ['client-never-had-servers-roots', 'client-never-had-servers-leaf'],
    ...refused('CONSUL_NO_SERVERS', 'consul', BOTH, SEE_SERVERS),
  },
  {
    name: 'a client agent that is losing its servers',
    answers: [
      'client-roots-second',
      'client-server-lost-roots-blocking-open',
      'client-leaf-second',
      'client-server-lost-leaf-blocking-open',
    ],
    ...published(),
    run: ['published', 'roots CONSUL_NO_SERVERS'],
    remedy: SEE_SERVERS,
  },
  {
    name: 'a client agent that has lost its servers',
    answers: [
      'client-server-lost-roots',
      'client-server-lost-roots-blocking',
      'client-server-lost-leaf',
      'client-server-lost-leaf-blocking',
    ],
    ...STALE,
    run: ['published', 'roots CONSUL_NO_SERVERS', 'stale CONSUL_NO_SERVERS'],
  },
  {
    name: 'a client agent that lost its servers long ago',
    answers: [
      'client-server-lost-roots-later',
      'client-server-lost-roots-blocking-later',
      'client-server-lost-leaf-later',
    ],
    ...STALE,
    run: ['published', 'roots CONSUL_NO_SERVERS', 'stale CONSUL_NO_SERVERS'],
  },
  {
    name: 'a client agent that has lost its servers, and has no leaf yet',
    answers: [
      'client-server-lost-roots',
      'client-server-lost-roots-blocking',
      'client-server-lost-leaf-uncached',
    ],
    environment: { _CONSUL_SERVICE: 'uncached' },
    ...refused('CONSUL_NO_SERVERS', 'consul', ['leaf', 'roots', 'stale'], SEE_SERVERS),
    check: 'consul CONSUL_NO_SERVERS',
  },
  {
    name: 'a client agent that has lost its servers, and a good token',
    answers: [
      'client-acl-without-servers-good-token-roots',
      'client-acl-without-servers-good-token-leaf',
      'client-acl-without-servers-token-self',
    ],
    token: '<good-token>',
    ...STALE,
    check: 'consul CONSUL_NO_SERVERS',
    run: ['published', 'stale CONSUL_NO_SERVERS'],
    unrecorded: ['POST /v1/internal/acl/authorize'],
  },
  {
    name: 'a client agent that has lost its servers, and a login',
    answers: ['client-acl-without-servers-good-token-roots', 'client-acl-without-servers-login'],
    login: true,
    ...refused('CONSUL_NO_SERVERS', 'consul', BOTH, SEE_SERVERS),
  },
];
