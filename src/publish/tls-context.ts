import { Document, isSeq } from 'yaml';

export interface TlsContextOptions {
  readonly ambassadorId: string;
  readonly tlsContext: string;
  readonly secret: string;
  /** The Secret of the roots the gateway verifies its peers by; undefined: it verifies none, as the seed's TLSContext. */
  readonly upstreamCaSecret: string | undefined;
  readonly secretNamespace: string;
  readonly serviceNamespace: string;
}

/** The apiVersion of the seed, read by Ambassador before 2.0; 2.2 to 3.3 drop it silently. */
export const LEGACY_API_VERSION = 'ambassador/v1';
/** Read by Ambassador 0.60 to 4.x. */
export const V2_API_VERSION = 'getambassador.io/v2';

/**
 * The TLSContext for the annotation `getambassador.io/config`. `ambassador_id` is a list, since v3alpha1 accepts nothing
 * else. A Secret in another namespace needs `secret_namespacing`, or some versions ignore the dotted name (emissary
 * #3404); any other key would make Ambassador 0.83 reject a v1 TLSContext.
 */
export function renderTlsContext(options: TlsContextOptions, apiVersion: string): string {
  const elsewhere = options.secretNamespace !== options.serviceNamespace;
  const qualified = (secret: string): string => (elsewhere ? `${secret}.${options.secretNamespace}` : secret);
  const tlsContext = {
    apiVersion,
    kind: 'TLSContext',
    name: options.tlsContext,
    ...(options.ambassadorId === '' ? {} : { ambassador_id: [options.ambassadorId] }),
    hosts: [],
    secret: qualified(options.secret),
    ...(options.upstreamCaSecret === undefined ? {} : { ca_secret: qualified(options.upstreamCaSecret) }),
    ...(elsewhere ? { secret_namespacing: true } : {}),
  };
  // Ambassador reads YAML 1.1, in which an unquoted `no` or `on` is a boolean.
  const document = new Document(tlsContext, { version: '1.1' });
  const id = document.get('ambassador_id', true);
  if (isSeq(id)) id.flow = true;
  return `---\n${document.toString({ flowCollectionPadding: false, lineWidth: 0 })}`;
}

/**
 * The apiVersion to write, from the versions of the group `getambassador.io` the cluster serves: `getambassador.io/v2`
 * where it serves v2 or newer, otherwise that of the seed.
 */
export function chooseApiVersion(servedVersions: readonly string[]): string {
  const modern = servedVersions.some((version) => Number(/^v(\d+)/.exec(version)?.[1] ?? 0) >= 2);
  return modern ? V2_API_VERSION : LEGACY_API_VERSION;
}
