import type { Json } from './api.ts';

export const CRT = Buffer.from('certificate').toString('base64');
export const KEY = Buffer.from('key').toString('base64');

/** A Secret as the connector publishes one. */
export function secret(name: string, extra: Json = {}, metadata: Json = {}): Json {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, ...metadata },
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': CRT, 'tls.key': KEY },
    ...extra,
  };
}

/** The fields of that Secret, with others between them, as owned by `owner`. */
export function ownedFields(owner: string, ...others: readonly string[]): string[] {
  return ['f:data f:tls.crt', 'f:data f:tls.key', ...others, 'f:type'].map((field) => `${owner} ${field}`);
}

/** A Service as the connector publishes one. */
export function service(name: string, spec: Json = {}, metadata: Json = {}): Json {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, annotations: { 'getambassador.io/config': '---\n' }, ...metadata },
    spec: {
      clusterIP: 'None',
      selector: { 'app.kubernetes.io/name': 'connector' },
      ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }],
      ...spec,
    },
  };
}
