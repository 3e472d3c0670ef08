import { type Insecurity, isLoopback } from '../lib/insecurity.ts';
import { type ConsulAccess, serverUrl, type TokenConfig } from './endpoint.ts';
import { VERIFIES_NOTHING } from './tls.ts';

/** The credential that is sent for each kind of token. */
const TOKENS: Readonly<Record<TokenConfig['kind'], string | undefined>> = {
  none: undefined,
  value: 'the ACL token',
  file: 'the ACL token',
  login: 'the token to log in with',
};

/** What others on the network path can read or change, if a credential is sent to Consul. */
export function insecurityOf(
  access: Pick<ConsulAccess, 'servers' | 'tls' | 'token' | 'httpAuth'>,
): Insecurity | undefined {
  const { servers, tls, token, httpAuth } = access;
  if (tls !== undefined) {
    if (tls.verify) return undefined;
    return { warning: VERIFIES_NOTHING, remedy: 'set CONSUL_CACERT, and CONSUL_HTTP_SSL_VERIFY=true' };
  }
  const sent = [TOKENS[token.kind], httpAuth === undefined ? undefined : 'the password of CONSUL_HTTP_AUTH'];
  const credentials = sent.filter((each) => each !== undefined).join(' and ');
  const remote = servers.find((server) => 'host' in server && !isLoopback(server.host));
  if (credentials === '' || remote === undefined) return undefined;
  return {
    warning: `plain HTTP to ${serverUrl(remote, tls)}: anyone on the network path can read ${credentials}`,
    remedy:
      'set CONSUL_HTTP_SSL=true, CONSUL_CACERT and _CONSUL_PORT to the HTTPS port of Consul (8501 by convention)',
  };
}
