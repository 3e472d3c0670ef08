import { NO_TOKEN, POLICY, published, publishedFromCache, refused, TOKEN_THAT_EXISTS } from '../outcomes.ts';
import type { Scenario } from '../scenario.ts';

/** A server with ACLs off and on, by the token that is sent. */
export const ACCESS: readonly Scenario[] = [
  { name: 'ACLs off', answers: ['roots-first', 'leaf-first'], ...published() },
  {
    name: 'ACLs off, blocking queries that end by their wait',
    answers: ['roots-second', 'roots-blocking-timeout', 'leaf-second', 'leaf-blocking-timeout'],
    ...published(),
  },
  {
    name: 'ACLs off, the service registered',
    answers: ['roots-second', 'leaf-registered', 'leaf-registered-blocking-timeout'],
    ...published(),
  },
  {
    name: 'ACLs off, and a token all the same',
    answers: [
      'acl-off-roots-with-token',
      'acl-off-leaf-with-token',
      'acl-off-token-self',
      'acl-off-authorize',
    ],
    token: '<unknown-token>',
    ...published(),
  },
  {
    name: 'ACLs off, and a login',
    answers: ['roots-first', 'acl-off-login', 'acl-off-logout'],
    login: true,
    ...refused('CONSUL_ACLS_DISABLED', 'consul-token', ['leaf', 'roots'], /unset the token or the login/),
  },
  {
    name: 'ACLs off, and a login with a namespace',
    answers: ['roots-first', 'scope-ns-login'],
    login: true,
    environment: { CONSUL_LOGIN_NAMESPACE: 'team' },
    ...refused('CONSUL_ACLS_DISABLED', 'consul-token', ['leaf', 'roots'], /unset the token or the login/),
  },
  {
    name: 'a good token',
    answers: [
      'acl-no-token-roots',
      'acl-good-token-roots',
      'acl-good-token-token-self',
      'acl-good-token-authorize',
      'acl-good-token-leaf',
      'acl-good-token-leaf-blocking-timeout',
    ],
    token: '<good-token>',
    ...published(),
  },
  {
    name: 'no token',
    answers: ['acl-no-token-roots', 'acl-no-token-authorize', 'acl-no-token-leaf'],
    ...refused('CONSUL_PERMISSION_DENIED', 'consul-token', ['leaf'], NO_TOKEN),
  },
  {
    name: 'T1: no token, and the leaf cached for a good one',
    answers: [
      'acl-no-token-roots',
      'acl-no-token-authorize',
      'acl-no-token-leaf-cached-for-good-token',
      'acl-no-token-leaf-blocking',
    ],
    ...publishedFromCache('CONSUL_PERMISSION_DENIED', 'consul-token', NO_TOKEN),
  },
  {
    name: '1.8.7: no token, and the leaf cached for a good one',
    answers: [
      '1.8.7/acl-no-token-roots',
      '1.8.7/acl-no-token-authorize',
      '1.8.7/acl-no-token-leaf-cached-for-good-token',
    ],
    ...refused('CONSUL_PERMISSION_DENIED', 'consul-token', ['leaf'], NO_TOKEN),
  },
  ...['unknown-token', 'malformed-token'].flatMap((kind): Scenario[] => {
    const answers = [`acl-${kind}-roots`, `acl-${kind}-token-self`, `acl-${kind}-authorize`];
    const blocking = kind === 'unknown-token' ? [`acl-${kind}-leaf-blocking`] : [];
    return [
      {
        name: kind,
        answers: [...answers, `acl-${kind}-leaf`],
        token: `<${kind}>`,
        ...refused('CONSUL_TOKEN_UNKNOWN', 'consul-token', ['leaf'], TOKEN_THAT_EXISTS),
      },
      {
        name: `T1: ${kind}, and the leaf cached for a good one`,
        answers: [...answers, `acl-${kind}-leaf-cached-for-good-token`, ...blocking],
        token: `<${kind}>`,
        ...publishedFromCache('CONSUL_TOKEN_UNKNOWN', 'consul-token', TOKEN_THAT_EXISTS),
      },
    ];
  }),
  ...['service-read', 'other-service', 'token-without-rules'].flatMap((kind): Scenario[] => {
    const answers = [`acl-${kind}-roots`, `acl-${kind}-token-self`, `acl-${kind}-authorize`];
    const token = kind === 'token-without-rules' ? '<token-without-rules>' : `<${kind}-token>`;
    return [
      {
        name: kind,
        answers: [...answers, `acl-${kind}-leaf`],
        token,
        ...refused('CONSUL_PERMISSION_DENIED', 'consul-leaf', ['leaf'], POLICY),
      },
      {
        name: `T1: ${kind}, and the leaf cached for a good one`,
        answers: [...answers, `acl-${kind}-leaf-cached-for-good-token`],
        token,
        ...publishedFromCache('CONSUL_PERMISSION_DENIED', 'consul-leaf', POLICY),
      },
    ];
  }),
  {
    name: 'T1: a token that is being revoked, its leaf cached',
    answers: [
      'acl-revoked-token-roots-right-after',
      'acl-revoked-token-roots-blocking-open',
      'acl-revoked-token-self',
      'acl-revoked-token-authorize',
      'acl-revoked-token-leaf-right-after',
      'acl-revoked-token-leaf-blocking-open',
    ],
    token: '<revoked-token>',
    ...publishedFromCache('CONSUL_TOKEN_UNKNOWN', 'consul-token', TOKEN_THAT_EXISTS),
  },
  {
    name: 'T1: a token that was revoked, its leaf cached',
    answers: [
      'acl-revoked-token-roots-right-after',
      'acl-revoked-token-self',
      'acl-revoked-token-authorize',
      'acl-revoked-token-leaf-later',
    ],
    token: '<revoked-token>',
    ...publishedFromCache('CONSUL_TOKEN_UNKNOWN', 'consul-token', TOKEN_THAT_EXISTS),
  },
  {
    name: '1.8.7: T1: a token that is being revoked, its leaf cached',
    answers: [
      '1.8.7/acl-revoked-token-roots-right-after',
      '1.8.7/acl-revoked-token-self',
      '1.8.7/acl-revoked-token-authorize',
      '1.8.7/acl-revoked-token-leaf-right-after',
    ],
    token: '<revoked-token>',
    ...publishedFromCache('CONSUL_TOKEN_UNKNOWN', 'consul-token', TOKEN_THAT_EXISTS),
  },
  {
    // What such a token is, was recorded of one that never had a rule.
    name: 'T1: a token that lost its rule, its leaf cached',
    answers: [
      'acl-token-without-rules-roots',
      'acl-token-without-rules-token-self',
      'acl-token-lost-rule-authorize',
      'acl-token-lost-rule-leaf-cached',
    ],
    token: ['<token-that-lost-its-rule>', '<token-without-rules>'],
    ...publishedFromCache('CONSUL_PERMISSION_DENIED', 'consul-leaf', POLICY),
  },
];
