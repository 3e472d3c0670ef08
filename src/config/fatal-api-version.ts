import type { Config } from './config.ts';

/** A setting that works but is probably a mistake. */
export interface ConfigurationWarning {
  readonly warning: string;
  readonly remedy: string;
}

/** Every version before `getambassador.io/v2`. */
const FATAL = /^(?:ambassador\/|getambassador\.io\/v[01]$)/;

/**
 * Warns of an apiVersion that crashes Emissary-ingress 2.5.1 and 3.4 to 4.1: its Go process panics at every start on an
 * annotation of that version, with any Ambassador ID (`reflect.Value.Set using value obtained using unexported field`).
 */
export function fatalApiVersion({ apiVersion, serviceEnabled }: Config): ConfigurationWarning | undefined {
  if (!serviceEnabled || !FATAL.test(apiVersion)) return undefined;
  return {
    warning: `a TLSContext of ${apiVersion} crashes Emissary-ingress 2.5.1 and 3.4 to 4.1`,
    remedy: 'unset _AMBASSADOR_API_VERSION unless the gateway is older than Ambassador 0.60',
  };
}
