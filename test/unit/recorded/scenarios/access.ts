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

const ACLS_OFF = refused('CONSUL_ACLS_DISABLED', 'consul-token', BOTH, /unset the token or the login/);
const REVOKED = { token: '<revoked-token>' };

/** A server with ACLs off and on, by the token that is sent. */
export const ACCESS: readonly Scenario[] = [
  scenario('ACLs off', published(), { answers: ['roots-first', 'leaf-first'] }),
  scenario('ACLs off, blocking queries that end by their wait', published(), {
    answers: ['roots-second', 'roots-blocking-timeout', 'leaf-second', 'leaf-blocking-timeout'],
  }),
  scenario('ACLs off, the service registered', published(), {
    answers: ['roots-second', 'leaf-registered', 'leaf-registered-blocking-timeout'],
  }),
  scenario('ACLs off, and a token all the same', published(), {
    answers: of('acl-off', 'roots-with-token leaf-with-token token-self authorize'),
    token: '<unknown-token>',
  }),
  scenario('ACLs off, and a login', ACLS_OFF, {
    answers: ['roots-first', ...of('acl-off', 'login logout')],
    login: true,
  }),
  scenario('ACLs off, and a login with a namespace', ACLS_OFF, {
    answers: ['roots-first', 'scope-ns-login'],
    login: true,
    environment: { CONSUL_LOGIN_NAMESPACE: 'team' },
  }),
  scenario('a good token', published(), {
    answers: [
      'acl-no-token-roots',
      ...of('acl-good-token', 'roots token-self authorize leaf leaf-blocking-timeout'),
    ],
    token: '<good-token>',
  }),
  scenario('no token', NO_TOKEN, { answers: of('acl-no-token', 'roots authorize leaf') }),
  scenario('T1: no token, and the leaf cached for a good one', NO_TOKEN_CACHED, {
    answers: of('acl-no-token', 'roots authorize leaf-cached-for-good-token leaf-blocking'),
  }),
  scenario('1.8.7: no token, and the leaf cached for a good one', NO_TOKEN, {
    answers: of('1.8.7/acl-no-token', 'roots authorize leaf-cached-for-good-token'),
  }),
  ...['unknown-token', 'malformed-token'].flatMap((kind) => {
    const blocking = kind === 'unknown-token' ? ' leaf-blocking' : '';
    const cached = of(`acl-${kind}`, `roots token-self authorize leaf-cached-for-good-token${blocking}`);
    const token = `<${kind}>`;
    return [
      scenario(kind, UNKNOWN, { answers: of(`acl-${kind}`, 'roots token-self authorize leaf'), token }),
      scenario(`T1: ${kind}, and the leaf cached for a good one`, UNKNOWN_CACHED, { answers: cached, token }),
    ];
  }),
  ...['service-read', 'other-service', 'token-without-rules'].flatMap((kind) => {
    const cached = of(`acl-${kind}`, 'roots token-self authorize leaf-cached-for-good-token');
    const token = kind === 'token-without-rules' ? '<token-without-rules>' : `<${kind}-token>`;
    return [
      scenario(kind, DENIED, { answers: of(`acl-${kind}`, 'roots token-self authorize leaf'), token }),
      scenario(`T1: ${kind}, and the leaf cached for a good one`, DENIED_CACHED, { answers: cached, token }),
    ];
  }),
  scenario('T1: a token that is being revoked, its leaf cached', UNKNOWN_CACHED, {
    answers: of(
      'acl-revoked-token',
      'roots-right-after roots-blocking-open self authorize leaf-right-after leaf-blocking-open',
    ),
    ...REVOKED,
  }),
  scenario('T1: a token that was revoked, its leaf cached', UNKNOWN_CACHED, {
    answers: of('acl-revoked-token', 'roots-right-after self authorize leaf-later'),
    ...REVOKED,
  }),
  scenario('1.8.7: T1: a token that is being revoked, its leaf cached', UNKNOWN_CACHED, {
    answers: of('1.8.7/acl-revoked-token', 'roots-right-after self authorize leaf-right-after'),
    ...REVOKED,
  }),
  // `token/self` was recorded for a token that never had a rule.
  scenario('T1: a token that lost its rule, its leaf cached', DENIED_CACHED, {
    answers: [
      ...of('acl-token-without-rules', 'roots token-self'),
      ...of('acl-token-lost-rule', 'authorize leaf-cached'),
    ],
    token: ['<token-that-lost-its-rule>', '<token-without-rules>'],
  }),
];
