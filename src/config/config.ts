import { customCleanEnv } from 'envalid';
import { ConfigurationError } from '../errors.ts';
import { isSecretName, isServiceName } from './validators.ts';
import { VARIABLES } from './variables.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The configuration after every check and every default. */
export interface Config {
  readonly ambassadorId: string;
  /** The Ambassador ID, or `ambassador`. */
  readonly instance: string;
  readonly secret: string;
  /** Undefined: the namespace this runs in. */
  readonly secretNamespace: string | undefined;
  readonly service: string;
  readonly serviceEnabled: boolean;
  readonly tlsContext: string;
  readonly apiVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly consul: {
    readonly host: string;
    readonly port: number;
    readonly token: string | undefined;
    readonly service: string;
    readonly waitMs: number;
  };
  /** Undefined: publish to Kubernetes. */
  readonly outputDirectory: string | undefined;
  readonly http: { readonly host: string; readonly port: number };
  readonly logLevel: string;
}

/**
 * Reads the configuration. An empty or blank variable is as good as none.
 *
 * @throws ConfigurationError with every problem at once
 */
export function readConfig(environment: Environment): Config {
  const problems: string[] = [];
  const given = Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) => {
      const trimmed = value?.trim() ?? '';
      return trimmed === '' ? [] : [[name, trimmed]];
    }),
  );
  // Not `cleanEnv`, which would throw on reading a variable that has a problem: all problems are told at once.
  const env = customCleanEnv(given, VARIABLES, (cleaned) => cleaned, {
    reporter: ({ errors }) => {
      for (const [name, error] of Object.entries(errors)) problems.push(`${name} ${error?.message}`);
    },
  });

  const ambassadorId = env._AMBASSADOR_ID ?? '';
  const instance = ambassadorId === '' ? 'ambassador' : ambassadorId;
  const secret = env._AMBASSADOR_TLS_SECRET_NAME ?? `${instance}-consul-connect`;
  const service = env._AMBASSADOR_SERVICE_NAME ?? `${instance}-consul-connector`;
  if (!isSecretName(secret)) {
    problems.push('_AMBASSADOR_ID makes no name Kubernetes accepts: set _AMBASSADOR_TLS_SECRET_NAME');
  }
  if (!isServiceName(service)) {
    problems.push('_AMBASSADOR_ID makes no name Kubernetes accepts: set _AMBASSADOR_SERVICE_NAME');
  }
  if (problems.length > 0) throw new ConfigurationError(problems);

  return {
    ambassadorId,
    instance,
    secret,
    secretNamespace: env._AMBASSADOR_TLS_SECRET_NAMESPACE,
    service,
    serviceEnabled: env._AMBASSADOR_SERVICE_ENABLED,
    tlsContext: env._AMBASSADOR_TLS_CONTEXT_NAME,
    apiVersion: env._AMBASSADOR_API_VERSION,
    labels: env._AMBASSADOR_LABELS,
    consul: {
      host: env._CONSUL_HOST,
      port: env._CONSUL_PORT,
      token: env._CONSUL_HTTP_TOKEN ?? env.CONSUL_HTTP_TOKEN,
      service: env._CONSUL_SERVICE ?? (ambassadorId === '' ? 'ambassador' : `ambassador-${ambassadorId}`),
      waitMs: env._CONSUL_WAIT,
    },
    outputDirectory: env._OUTPUT_DIR,
    http: { host: env._HTTP_HOST, port: env._HTTP_PORT },
    logLevel: env._LOG_LEVEL,
  };
}
