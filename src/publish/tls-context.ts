import { Document, isSeq } from 'yaml';

export interface TlsContextOptions {
  readonly ambassadorId: string;
  readonly tlsContext: string;
  readonly secret: string;
  /** The Secret with the roots for verifying peers; undefined: the gateway verifies none, as with the seed's TLSContext. */
  readonly upstreamCaSecret: string | undefined;
  readonly secretNamespace: string;
  readonly serviceNamespace: string;
}

/**
 * The TLSContext for the annotation `getambassador.io/config`. `ambassador_id` is a list because v3alpha1 accepts nothing
 * else. A Secret in another namespace needs `secret_namespacing`, or some versions ignore the dotted name (emissary
 * #3404). Any other key would make Ambassador 0.83 reject an `ambassador/v1` TLSContext.
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
