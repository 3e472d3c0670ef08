import { BOTH, of, published, refused, scenario } from '../outcomes.ts';
import type { Scenario } from '../scenario.ts';

/** The requests after a login, of a token that may have the leaf. */
const AFTER = [...of('acl-good-token', 'roots token-self authorize'), 'login-token-leaf'];
const LOGIN = { login: true } as const;

const METHODS = /^set CONSUL_LOGIN_AUTH_METHOD to one of: consul acl auth-method list$/;
const JWT = /CONSUL_LOGIN_BEARER_TOKEN_FILE .+: consul acl auth-method read -name=jwt$/;
const SCOPE = /^unset CONSUL_LOGIN_NAMESPACE and CONSUL_LOGIN_PARTITION$/;

/** Each refused login, with its remedy. */
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
  ['login-body-invalid', /a proxy in front of Consul may corrupt the request/],
];

/** A login with a JWT, ACLs on. */
export const LOGINS: readonly Scenario[] = [
  ...['login-logout', 'login-logout-again', 'login-logout-foreign'].map((logout) =>
    scenario(`a good login, and ${logout}`, published(), {
      answers: ['login-good', ...AFTER, logout],
      ...LOGIN,
    }),
  ),
  scenario('a good login, whose token expires', published(), {
    answers: ['login-with-max-token-ttl', ...AFTER, 'login-logout'],
    ...LOGIN,
  }),
  ...REFUSED.map(([answer, remedy]) =>
    scenario(answer, refused('CONSUL_LOGIN_FAILED', 'consul-token', BOTH, remedy), {
      answers: ['acl-no-token-roots', answer],
      ...LOGIN,
    }),
  ),
  ...(
    [
      ['login-ns', { CONSUL_LOGIN_NAMESPACE: 'team' }],
      ['login-partition', { CONSUL_LOGIN_PARTITION: 'team' }],
    ] as const
  ).map(([answer, environment]) =>
    scenario(answer, refused('CONSUL_NAMESPACES_ENTERPRISE', 'consul-token', BOTH, SCOPE), {
      answers: ['acl-no-token-roots', answer],
      ...LOGIN,
      environment,
    }),
  ),
];
