import { customCleanEnv } from 'envalid';
import type { ConsulAccess } from '../consul/endpoint.ts';
import { ConfigurationError } from '../errors.ts';
import type { LogFormat } from '../lib/logger.ts';
import type { OutputFiles, Reload } from '../publish/directory/output.ts';
import { consulAccess } from './consul-access.ts';
import { isSecretName, isServiceName } from './validators.ts';
import { standardName, VARIABLES, type Values } from './variables.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The validated configuration, with all defaults. */
export interface Config {
  readonly ambassadorId: string;
  /** The Ambassador ID, or `ambassador`. */
  readonly instance: string;
  readonly secret: string;
  /** Undefined: the connector's namespace. */
  readonly secretNamespace: string | undefined;
  /** Undefined: the gateway does not verify its peers. */
  readonly upstreamCaSecret: string | undefined;
  readonly service: string;
  readonly serviceEnabled: boolean;
  readonly tlsContext: string;
  readonly apiVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly consul: ConsulAccess;
  /** The only trust domain whose identities are published, in lower case; undefined: any. */
  readonly trustDomain: string | undefined;
  /** The `wait` of a blocking query, in milliseconds. */
  readonly consulWaitMs: number;
  /** Undefined: publish to Kubernetes. */
  readonly outputDirectory: string | undefined;
  readonly outputFiles: OutputFiles;
  /** Undefined: no reload. */
  readonly outputReload: Reload | undefined;
  readonly http: { readonly host: string; readonly port: number };
  readonly logFormat: LogFormat;
  readonly logLevel: string;
}

/**
 * Reads the configuration. An empty or blank variable counts as unset.
 *
 * @throws ConfigurationError with all problems
 */
export function readConfig(environment: Environment): Config {
  const problems: string[] = [];
  const given = new Map<string, string>();
  /** The name under which a variable was set, for messages. */
  const givenAs = new Map<string, string>();
  for (const name of Object.keys(VARIABLES)) {
    for (const alias of [name, standardName(name)]) {
      const value = alias === undefined ? '' : (environment[alias]?.trim() ?? '');
      if (alias === undefined || value === '' || given.has(name)) continue;
      given.set(name, value);
      givenAs.set(name, alias);
    }
  }
  // Not `cleanEnv`, which throws when an invalid variable is read: all problems are reported together.
  const env = customCleanEnv(Object.fromEntries(given), VARIABLES, (cleaned) => cleaned, {
    reporter: ({ errors }) => {
      for (const [name, error] of Object.entries(errors))
        problems.push(`${givenAs.get(name) ?? name} ${error?.message}`);
    },
  });

  const ambassadorId = env._AMBASSADOR_ID ?? '';
  const instance = ambassadorId === '' ? 'ambassador' : ambassadorId;
  const secret = env._AMBASSADOR_TLS_SECRET_NAME ?? `${instance}-consul-connect`;
  const service = env._AMBASSADOR_SERVICE_NAME ?? `${instance}-consul-connector`;
  if (!isSecretName(secret)) {
    problems.push(
      '_AMBASSADOR_ID results in a name that Kubernetes does not accept: set _AMBASSADOR_TLS_SECRET_NAME',
    );
  }
  const upstreamCaSecret = env._AMBASSADOR_VERIFY_UPSTREAM ? `${secret}-ca` : undefined;
  if (upstreamCaSecret !== undefined && !isSecretName(upstreamCaSecret)) {
    problems.push('_AMBASSADOR_TLS_SECRET_NAME is too long for the `-ca` of the second Secret: shorten it');
  }
  if (!isServiceName(service)) {
    problems.push(
      '_AMBASSADOR_ID results in a name that Kubernetes does not accept: set _AMBASSADOR_SERVICE_NAME',
    );
  }
  const consulService =
    env._CONSUL_SERVICE ?? (ambassadorId === '' ? 'ambassador' : `ambassador-${ambassadorId}`);
  // The kubelet sets it in every Pod.
  const inPod = (environment['KUBERNETES_SERVICE_HOST'] ?? '') !== '';
  const consul = consulAccess(env, consulService, inPod, problems);
  const outputReload = reloadOf(env, problems);
  if (problems.length > 0) throw new ConfigurationError(problems);

  return {
    ambassadorId,
    instance,
    secret,
    secretNamespace: env._AMBASSADOR_TLS_SECRET_NAMESPACE,
    upstreamCaSecret,
    service,
    serviceEnabled: env._AMBASSADOR_SERVICE_ENABLED,
    tlsContext: env._AMBASSADOR_TLS_CONTEXT_NAME,
    apiVersion: env._AMBASSADOR_API_VERSION,
    labels: env._AMBASSADOR_LABELS,
    annotations: env._AMBASSADOR_ANNOTATIONS,
    consul,
    trustDomain: env._CONSUL_TRUST_DOMAIN,
    consulWaitMs: env._CONSUL_WAIT,
    outputDirectory: env._OUTPUT_DIR,
    outputFiles: {
      keyMode: env._OUTPUT_FILE_MODE,
      owner: env._OUTPUT_FILE_OWNER,
      group: env._OUTPUT_FILE_GROUP,
      extra: env._OUTPUT_EXTRA_FILES,
      keystorePassword: env._OUTPUT_KEYSTORE_PASSWORD,
    },
    outputReload,
    http: { host: env._HTTP_HOST, port: env._HTTP_PORT },
    logFormat: env._LOG_FORMAT,
    logLevel: env._LOG_LEVEL,
  };
}

function reloadOf(env: Values, problems: string[]): Reload | undefined {
  const {
    _OUTPUT_DIR: directory,
    _OUTPUT_RELOAD_COMMAND: command,
    _OUTPUT_RELOAD_SIGNAL: signal,
    _OUTPUT_RELOAD_PID_FILE: pidFile,
  } = env;
  if (command === undefined && signal === undefined && pidFile === undefined) return undefined;
  if (directory === undefined) problems.push('_OUTPUT_RELOAD_… requires _OUTPUT_DIR: set it too');
  if (command !== undefined) {
    if (signal === undefined && pidFile === undefined) return { kind: 'command', command };
    problems.push('_OUTPUT_RELOAD_COMMAND and _OUTPUT_RELOAD_SIGNAL: set one of them');
    return undefined;
  }
  if (signal !== undefined && pidFile !== undefined) return { kind: 'signal', signal, pidFile };
  problems.push('_OUTPUT_RELOAD_SIGNAL and _OUTPUT_RELOAD_PID_FILE: set both of them');
  return undefined;
}
