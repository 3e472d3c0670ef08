import { ConsulError, type ConsulErrorCode } from '../../errors.ts';
import { errorOfStatus, quote } from './status.ts';

/** What is wrong with Consul or the way there, and would be without a login. */
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
    `the login by "${authMethod}" was refused (${status}${quote(text)})`,
    { remedy: loginRemedy(status, text, authMethod) },
  );
}

/** A bearer token that is no good is a 403, and in an auth method of type `jwt` a 500. */
function loginRemedy(status: number, text: string, authMethod: string): string {
  if (/token (?:is|has) expired/i.test(text)) {
    return 'the bearer token has expired: set CONSUL_LOGIN_BEARER_TOKEN_FILE to a projected ServiceAccount token, which the kubelet renews, or mend the clock';
  }
  // What the API server told Consul, with the name of the ServiceAccount that Consul asks as (seen with 1.8.7).
  if (/cannot \w+ resource "(?:serviceaccounts|tokenreviews)"/i.test(text)) {
    return 'let the ServiceAccount whose token the auth method has get serviceaccounts, and bind it to the ClusterRole system:auth-delegator';
  }
  // Of an auth method of type `jwt`, which says what is wrong with the bearer token itself.
  if (/jwt|jose|claim|signature/i.test(text)) {
    return `put a JWT into CONSUL_LOGIN_BEARER_TOKEN_FILE whose issuer, audience and key the auth method accepts: consul acl auth-method read -name=${authMethod}`;
  }
  if (status === 403 || /token/i.test(text)) {
    return `see that the bearer token is one the auth method accepts, and that a binding rule matches it: consul acl binding-rule list -method=${authMethod}`;
  }
  return 'read what Consul says here and in its log; a proxy before Consul may spoil the request: connect without it';
}
