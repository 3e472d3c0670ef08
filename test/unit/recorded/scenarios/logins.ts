import { BOTH, published, refused } from '../outcomes.ts';
import type { Scenario } from '../scenario.ts';

/** What a login is asked for after it, of a token that may have the leaf. */
const AFTER = [
  'acl-good-token-roots',
  'acl-good-token-token-self',
  'acl-good-token-authorize',
  'login-token-leaf',
];

const METHODS = /^set CONSUL_LOGIN_AUTH_METHOD to one of: consul acl auth-method list$/;
const JWT = /CONSUL_LOGIN_BEARER_TOKEN_FILE .+: consul acl auth-method read -name=jwt$/;
const SCOPE = /^unset CONSUL_LOGIN_NAMESPACE and CONSUL_LOGIN_PARTITION$/;

/** Each refused login, with what can be done about it. */
const REFUSED: readonly (readonly [answer: string, remedy: RegExp])[] = [
  ['login-unknown-auth-method', METHODS],
  ['client-login-unknown-auth-method', METHODS],
  ['login-no-binding-rule', /a binding rule matches it: consul acl binding-rule list -method=jwt$/],
  ['login-wrong-signature', JWT],
  ['client-login-wrong-signature', JWT],
  ['login-wrong-issuer', JWT],
  ['login-malformed', JWT],
  ['login-empty', JWT],
  ['login-expired', /the bearer token has expired: set CONSUL_LOGIN_BEARER_TOKEN_FILE/],
  ['login-body-invalid', /a proxy before Consul may spoil the request/],
];

/** A login with a JWT, ACLs on. */
export const LOGINS: readonly Scenario[] = [
  ...['login-logout', 'login-logout-again', 'login-logout-foreign'].map(
    (logout): Scenario => ({
      name: `a good login, and ${logout}`,
      answers: ['login-good', ...AFTER, logout],
      login: true,
      ...published(),
    }),
  ),
  {
    name: 'a good login, whose token expires',
    answers: ['login-with-max-token-ttl', ...AFTER, 'login-logout'],
    login: true,
    ...published(),
  },
  ...REFUSED.map(
    ([answer, remedy]): Scenario => ({
      name: answer,
      answers: ['acl-no-token-roots', answer],
      login: true,
      ...refused('CONSUL_LOGIN_FAILED', 'consul-token', BOTH, remedy),
    }),
  ),
  {
    name: 'login-ns',
    answers: ['acl-no-token-roots', 'login-ns'],
    login: true,
    environment: { CONSUL_LOGIN_NAMESPACE: 'team' },
    ...refused('CONSUL_NAMESPACES_ENTERPRISE', 'consul-token', BOTH, SCOPE),
  },
  {
    name: 'login-partition',
    answers: ['acl-no-token-roots', 'login-partition'],
    login: true,
    environment: { CONSUL_LOGIN_PARTITION: 'team' },
    ...refused('CONSUL_NAMESPACES_ENTERPRISE', 'consul-token', BOTH, SCOPE),
  },
];
