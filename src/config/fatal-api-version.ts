import type { Config } from './config.ts';

/** Something the configuration asks for that a person should know of. */
export interface ConfigurationWarning {
  readonly warning: string;
  readonly remedy: string;
}

/** What its own versions of Ambassador's API do to those that do not read them any more. */
const FATAL = /^(?:ambassador\/|getambassador\.io\/v[01]$)/;

/**
 * By an annotation of these versions, of whatever Ambassador ID, the Go process of Emissary-ingress 2.5.1 and 3.4 to 4.1
 * ends with a panic at every start: `reflect.Value.Set using value obtained using unexported field`.
 */
export function fatalApiVersion({ apiVersion, serviceEnabled }: Config): ConfigurationWarning | undefined {
  if (!serviceEnabled || !FATAL.test(apiVersion)) return undefined;
  return {
    warning: `a TLSContext of ${apiVersion} ends Emissary-ingress 2.5.1 and 3.4 to 4.1 with a panic`,
    remedy: 'unset _AMBASSADOR_API_VERSION unless the gateway is older than Ambassador 0.60',
  };
}
