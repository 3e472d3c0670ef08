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
  _AMBASSADOR_API_VERSION: is.apiVersion({ default: 'auto' }),
  _AMBASSADOR_LABELS: is.labels({ default: {} }),
  _CONSUL_HOST: is.host({ default: '127.0.0.1' }),
  _CONSUL_PORT: is.port({ default: 8500 }),
  _CONSUL_SERVICE: is.consulService({ default: undefined }),
  _CONSUL_WAIT: is.wait({ default: 50_000 }),
  _CONSUL_HTTP_TOKEN: is.token({ default: undefined }),
  CONSUL_HTTP_TOKEN: is.token({ default: undefined }),
  _OUTPUT_DIR: is.path({ default: undefined }),
  _HTTP_HOST: is.host({ default: '0.0.0.0' }),
  _HTTP_PORT: is.listenPort({ default: 8080 }),
  _LOG_LEVEL: is.logLevel({ default: 'info' }),
};

export type VariableName = keyof typeof VARIABLES;
