import type { CleanedEnv } from 'envalid';
import * as is from './validators.ts';

/**
 * Every variable, as the environment names it. The underscore keeps them apart from the `CONSUL_PORT=tcp://…` style
 * variables that Kubernetes injects for Services.
 */
export const VARIABLES = {
  _AMBASSADOR_ID: is.ambassadorId({ default: undefined }),
  _AMBASSADOR_TLS_SECRET_NAME: is.secretName({ default: undefined }),
  _AMBASSADOR_TLS_SECRET_NAMESPACE: is.namespaceName({ default: undefined }),
  _AMBASSADOR_TLS_CONTEXT_NAME: is.tlsContextName({ default: 'ambassador-consul' }),
  _AMBASSADOR_SERVICE_NAME: is.serviceName({ default: undefined }),
  _AMBASSADOR_SERVICE_ENABLED: is.boolean({ default: true }),
  _AMBASSADOR_API_VERSION: is.apiVersion({ default: 'getambassador.io/v2' }),
  _AMBASSADOR_VERIFY_UPSTREAM: is.boolean({ default: false }),
  _AMBASSADOR_LABELS: is.labels({ default: {} }),
  _AMBASSADOR_ANNOTATIONS: is.annotations({ default: {} }),
  _CONSUL_HOST: is.host({ default: undefined }),
  _CONSUL_PORT: is.port({ default: undefined }),
  _CONSUL_ADDRESSES: is.addresses({ default: undefined }),
  _CONSUL_SERVICE: is.consulService({ default: undefined }),
  _CONSUL_TRUST_DOMAIN: is.trustDomain({ default: undefined }),
  _CONSUL_WAIT: is.wait({ default: 50_000 }),
  _CONSUL_HTTP_ADDR: is.httpAddress({ default: undefined }),
  _CONSUL_HTTP_AUTH: is.httpAuth({ default: undefined }),
  _CONSUL_HTTP_TOKEN: is.token({ default: undefined }),
  _CONSUL_HTTP_TOKEN_FILE: is.path({ default: undefined }),
  _CONSUL_HTTP_SSL: is.boolean({ default: undefined }),
  _CONSUL_HTTP_SSL_VERIFY: is.boolean({ default: true }),
  _CONSUL_CACERT: is.path({ default: undefined }),
  _CONSUL_CAPATH: is.path({ default: undefined }),
  _CONSUL_CLIENT_CERT: is.path({ default: undefined }),
  _CONSUL_CLIENT_KEY: is.path({ default: undefined }),
  _CONSUL_TLS_SERVER_NAME: is.host({ default: undefined }),
  _CONSUL_NAMESPACE: is.consulName({ default: undefined }),
  _CONSUL_PARTITION: is.consulName({ default: undefined }),
  _CONSUL_DATACENTER: is.consulName({ default: undefined }),
  _CONSUL_LOGIN_AUTH_METHOD: is.consulName({ default: undefined }),
  _CONSUL_LOGIN_BEARER_TOKEN_FILE: is.path({ default: undefined }),
  _CONSUL_LOGIN_DATACENTER: is.consulName({ default: undefined }),
  _CONSUL_LOGIN_NAMESPACE: is.consulName({ default: undefined }),
  _CONSUL_LOGIN_PARTITION: is.consulName({ default: undefined }),
  _CONSUL_LOGIN_META: is.meta({ default: {} }),
  _OUTPUT_DIR: is.path({ default: undefined }),
  _OUTPUT_FILE_MODE: is.fileMode({ default: 0o600 }),
  _OUTPUT_FILE_OWNER: is.numericId({ default: undefined }),
  _OUTPUT_FILE_GROUP: is.numericId({ default: undefined }),
  _OUTPUT_EXTRA_FILES: is.extraFiles({ default: [] }),
  _OUTPUT_KEYSTORE_PASSWORD: is.keystorePassword({ default: 'changeit' }),
  _OUTPUT_RELOAD_COMMAND: is.command({ default: undefined }),
  _OUTPUT_RELOAD_SIGNAL: is.reloadSignal({ default: undefined }),
  _OUTPUT_RELOAD_PID_FILE: is.path({ default: undefined }),
  _HTTP_HOST: is.host({ default: '0.0.0.0' }),
  _HTTP_PORT: is.listenPort({ default: 8080 }),
  _LOG_FORMAT: is.logFormat({ default: 'auto' }),
  _LOG_LEVEL: is.logLevel({ default: 'info' }),
};

/**
 * The variables of Consul's own clients, which are accepted without the underscore too; with it they win. None of them is
 * one that Kubernetes injects.
 */
const STANDARD =
  /^_CONSUL_(ADDRESSES|HTTP_.*|CACERT|CAPATH|CLIENT_.*|TLS_.*|NAMESPACE|PARTITION|DATACENTER|LOGIN_.*)$/;

/** The name of a variable without its underscore, where that is accepted as well. */
export function standardName(variable: string): string | undefined {
  return STANDARD.test(variable) ? variable.slice(1) : undefined;
}

/** Every name that has an effect. */
export const NAMES: readonly string[] = Object.keys(VARIABLES).flatMap((name) => {
  const standard = standardName(name);
  return standard === undefined ? [name] : [name, standard];
});

/** The variables after validation, each of its own type. */
export type Values = CleanedEnv<typeof VARIABLES>;
