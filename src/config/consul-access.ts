import type { ConsulAccess, ConsulServer, ConsulTlsConfig, TokenConfig } from '../consul/endpoint.ts';
import type { Values } from './variables.ts';

const DEFAULT_PORT = 8500;
const HTTP_PORT = 80;
const HTTPS_PORT = 443;
const DEFAULT_HOST = '127.0.0.1';
const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** How to reach Consul, from the variables. Contradictory settings are added to `problems`. */
export function consulAccess(env: Values, service: string, inPod: boolean, problems: string[]): ConsulAccess {
  const address = httpAddress(env);
  // As in Consul's own clients, either is enough.
  const secure = env._CONSUL_HTTP_SSL === true || address?.scheme === 'https';
  return {
    servers: servers(env, address, secure),
    tls: secure ? tls(env, problems) : undefined,
    httpAuth: env._CONSUL_HTTP_AUTH,
    token: token(env),
    scope: {
      namespace: env._CONSUL_NAMESPACE,
      partition: env._CONSUL_PARTITION,
      datacenter: env._CONSUL_DATACENTER,
    },
    service,
    inPod,
  };
}

/** `CONSUL_HTTP_ADDR` if it is used: its scheme does not apply to an address from another variable. */
function httpAddress(env: Values): Values['_CONSUL_HTTP_ADDR'] {
  const others = [env._CONSUL_HOST, env._CONSUL_PORT, env._CONSUL_ADDRESSES];
  return others.every((other) => other === undefined) ? env._CONSUL_HTTP_ADDR : undefined;
}

/** `_CONSUL_HOST` and `_CONSUL_PORT` take precedence over `CONSUL_ADDRESSES`, which takes precedence over `CONSUL_HTTP_ADDR`. */
function servers(
  env: Values,
  address: Values['_CONSUL_HTTP_ADDR'],
  secure: boolean,
): readonly ConsulServer[] {
  const port = env._CONSUL_PORT ?? DEFAULT_PORT;
  if (env._CONSUL_HOST !== undefined) return [{ host: env._CONSUL_HOST, port }];
  if (env._CONSUL_ADDRESSES !== undefined) {
    return env._CONSUL_ADDRESSES.map((address) => ({ host: address.host, port: address.port ?? port }));
  }
  if (address !== undefined) {
    const { server, scheme } = address;
    if ('socketPath' in server) return [server];
    // As in Consul's own clients: a URL without a port has the default port of its scheme.
    const ofScheme = secure ? HTTPS_PORT : HTTP_PORT;
    const { host, pathPrefix } = server;
    const found = { host, port: server.port ?? (scheme === undefined ? DEFAULT_PORT : ofScheme) };
    return [pathPrefix === '' ? found : { ...found, pathPrefix }];
  }
  return [{ host: DEFAULT_HOST, port }];
}

function tls(env: Values, problems: string[]): ConsulTlsConfig {
  if ((env._CONSUL_CLIENT_CERT === undefined) !== (env._CONSUL_CLIENT_KEY === undefined)) {
    problems.push('CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY must be set together');
  }
  return {
    caFile: env._CONSUL_CACERT,
    caFolder: env._CONSUL_CAPATH,
    certificateFile: env._CONSUL_CLIENT_CERT,
    keyFile: env._CONSUL_CLIENT_KEY,
    serverName: env._CONSUL_TLS_SERVER_NAME,
    verify: env._CONSUL_HTTP_SSL_VERIFY,
  };
}

/** A login takes precedence over a token file, and a token file over a token, as in Consul's own clients. */
function token(env: Values): TokenConfig {
  if (env._CONSUL_LOGIN_AUTH_METHOD !== undefined) {
    return {
      kind: 'login',
      authMethod: env._CONSUL_LOGIN_AUTH_METHOD,
      bearerTokenFile: env._CONSUL_LOGIN_BEARER_TOKEN_FILE ?? SERVICE_ACCOUNT_TOKEN,
      datacenter: env._CONSUL_LOGIN_DATACENTER,
      namespace: env._CONSUL_LOGIN_NAMESPACE,
      partition: env._CONSUL_LOGIN_PARTITION,
      meta: env._CONSUL_LOGIN_META,
    };
  }
  if (env._CONSUL_HTTP_TOKEN_FILE !== undefined) return { kind: 'file', path: env._CONSUL_HTTP_TOKEN_FILE };
  if (env._CONSUL_HTTP_TOKEN !== undefined) return { kind: 'value', token: env._CONSUL_HTTP_TOKEN };
  return { kind: 'none' };
}
