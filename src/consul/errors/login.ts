import { ConsulError, type ConsulErrorCode } from '../../errors.ts';
import { errorOfStatus, quote } from './status.ts';

/** Errors of Consul or the connection, which are unrelated to the login. */
const NOT_OF_THE_LOGIN: readonly ConsulErrorCode[] = [
  'CONSUL_REDIRECT',
  'CONSUL_HTTP_TO_HTTPS',
  'CONSUL_UNAUTHORIZED',
  'CONSUL_NO_LEADER',
  'CONSUL_NO_SERVERS',
  'CONSUL_RATE_LIMITED',
  'CONSUL_ACLS_DISABLED',
];

/** The error for a login that Consul did not accept. `text` is without the bearer token. */
export function errorOfLogin(status: number, text: string, authMethod: string): ConsulError {
  const general = errorOfStatus(status, text, { service: '', token: 'login' });
  if (NOT_OF_THE_LOGIN.includes(general.code)) return general;
  if (general.code === 'CONSUL_NAMESPACES_ENTERPRISE') {
    return new ConsulError(general.code, general.message, {
      remedy: 'unset CONSUL_LOGIN_NAMESPACE and CONSUL_LOGIN_PARTITION',
    });
  }
  if (/auth method .*not found|ACL not found/i.test(text)) {
    return new ConsulError(
      'CONSUL_LOGIN_FAILED',
      `Consul has no auth method "${authMethod}" (${status}${quote(text)})`,
      {
        remedy: 'set CONSUL_LOGIN_AUTH_METHOD to one of: consul acl auth-method list',
      },
    );
  }
  return new ConsulError(
    'CONSUL_LOGIN_FAILED',
    `the login with auth method "${authMethod}" was refused (${status}${quote(text)})`,
    { remedy: loginRemedy(status, text, authMethod) },
  );
}

/** An invalid bearer token is a 403, or a 500 with an auth method of type `jwt`. */
function loginRemedy(status: number, text: string, authMethod: string): string {
  if (/token (?:is|has) expired/i.test(text)) {
    return 'the bearer token has expired: set CONSUL_LOGIN_BEARER_TOKEN_FILE to a projected ServiceAccount token, which the kubelet renews, or correct the system clock';
  }
  // The API server's error, with the name of the ServiceAccount that Consul uses (seen with 1.8.7).
  if (/cannot \w+ resource "(?:serviceaccounts|tokenreviews)"/i.test(text)) {
    return 'allow the ServiceAccount of the auth method to get serviceaccounts, and bind it to the ClusterRole system:auth-delegator';
  }
  // From an auth method of type `jwt`, which names the fault of the bearer token.
  if (/jwt|jose|claim|signature/i.test(text)) {
    return `put a JWT into CONSUL_LOGIN_BEARER_TOKEN_FILE whose issuer, audience and key the auth method accepts: consul acl auth-method read -name=${authMethod}`;
  }
  if (status === 403 || /token/i.test(text)) {
    return `check that the auth method accepts the bearer token, and that a binding rule matches it: consul acl binding-rule list -method=${authMethod}`;
  }
  return 'see the error of Consul here and in its log; a proxy in front of Consul may corrupt the request: connect without it';
}
