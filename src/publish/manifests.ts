import type { Content } from '../identity/published.ts';
import { issuerOf } from '../identity/x509/certificate.ts';
import { FIELD_MANAGER, TLS_CONTEXT_ANNOTATION } from './annotations.ts';
import { renderTlsContext, type TlsContextOptions } from './tls-context.ts';

/** Names and labels of the objects, from the configuration. */
export interface ObjectNames extends TlsContextOptions {
  readonly secretNamespace: string;
  readonly service: string;
  readonly serviceNamespace: string;
  /** The Ambassador ID, or `ambassador`: the Service selects its Pods by it, as `app.kubernetes.io/instance`. */
  readonly instance: string;
  readonly labels: Readonly<Record<string, string>>;
  /** In addition to those of the connector. */
  readonly annotations: Annotations;
  /** The port of the status server, the target port of the Service. */
  readonly statusPort: number;
}

export type Annotations = Readonly<Record<string, string>>;

export interface Metadata {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Annotations;
}

export interface SecretManifest<Key extends string = string> {
  readonly apiVersion: 'v1';
  readonly kind: 'Secret';
  readonly type: typeof TLS_SECRET_TYPE | typeof OPAQUE_SECRET_TYPE;
  readonly metadata: Metadata;
  /** Base64. */
  readonly data: Readonly<Record<Key, string>>;
}

export interface ServiceManifest {
  readonly apiVersion: 'v1';
  readonly kind: 'Service';
  readonly metadata: Metadata;
  readonly spec: {
    readonly clusterIP?: 'None';
    readonly selector: Readonly<Record<string, string>>;
    readonly ports: readonly [{ name: string; port: number; protocol: 'TCP'; targetPort: number }];
  };
}

/** All published objects, in the order of writing. */
export interface Manifests {
  /** Only if the gateway verifies its peers. */
  readonly upstreamCa: SecretManifest | undefined;
  readonly secret: SecretManifest;
  /** Only if it is enabled. */
  readonly service: ServiceManifest | undefined;
}

export const SERIAL_NUMBER = `${FIELD_MANAGER}/serial-number`;
export const TLS_SECRET_TYPE = 'kubernetes.io/tls';
export const OPAQUE_SECRET_TYPE = 'Opaque';
export const MANAGED_BY = 'app.kubernetes.io/managed-by';
/** Not `app.kubernetes.io/instance`: Argo CD prunes objects that have an application's name there and are not in its repository. */
const INSTANCE = `${FIELD_MANAGER}/instance`;

/** The Secrets with `content`. */
export function secretManifests(names: ObjectNames, content: Content): Omit<Manifests, 'service'> {
  const { upstreamCaSecret } = names;
  return {
    upstreamCa:
      upstreamCaSecret === undefined ? undefined : upstreamCaManifest(names, upstreamCaSecret, content),
    secret: secretManifest(names, content),
  };
}

/** The Secret with `content`, and annotations for readers of `kubectl describe`. */
function secretManifest(
  names: ObjectNames,
  content: Content,
): SecretManifest<'tls.crt' | 'tls.key' | 'ca.crt'> {
  const { leaf, notAfter, spiffeId } = content.identity;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: TLS_SECRET_TYPE,
    metadata: {
      name: names.secret,
      namespace: names.secretNamespace,
      labels: objectLabels(names),
      annotations: {
        ...names.annotations,
        [`${FIELD_MANAGER}/spiffe-id`]: spiffeId.uri,
        [`${FIELD_MANAGER}/trust-domain`]: spiffeId.trustDomain,
        [SERIAL_NUMBER]: leaf.serialNumber,
        [`${FIELD_MANAGER}/issuer`]: issuerOf(leaf),
        [`${FIELD_MANAGER}/not-before`]: new Date(leaf.notBefore).toISOString(),
        [`${FIELD_MANAGER}/not-after`]: new Date(notAfter).toISOString(),
      },
    },
    data: {
      'tls.crt': base64(content.tlsCrt),
      'tls.key': base64(content.tlsKey),
      'ca.crt': base64(content.caCrt),
    },
  };
}

/** The Secret for `ca_secret`: Ambassador reads the roots from its `tls.crt`, and ignores a `ca.crt`. */
function upstreamCaManifest(names: ObjectNames, name: string, content: Content): SecretManifest {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: OPAQUE_SECRET_TYPE,
    metadata: {
      name,
      namespace: names.secretNamespace,
      labels: objectLabels(names),
      annotations: {
        ...names.annotations,
        [`${FIELD_MANAGER}/trust-domain`]: content.identity.spiffeId.trustDomain,
      },
    },
    data: { 'tls.crt': base64(content.upstreamCaCrt ?? content.caCrt) },
  };
}

/** The Service with the TLSContext annotation that references the Secret. Headless: it only serves scraping. */
export function serviceManifest(names: ObjectNames, apiVersion: string): ServiceManifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: names.service,
      namespace: names.serviceNamespace,
      labels: objectLabels(names),
      annotations: { ...names.annotations, [TLS_CONTEXT_ANNOTATION]: renderTlsContext(names, apiVersion) },
    },
    spec: {
      clusterIP: 'None',
      selector: {
        'app.kubernetes.io/name': FIELD_MANAGER,
        'app.kubernetes.io/instance': names.instance,
      },
      ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: names.statusPort }],
    },
  };
}

function objectLabels({ labels, instance }: ObjectNames): Record<string, string> {
  return {
    'app.kubernetes.io/name': FIELD_MANAGER,
    [INSTANCE]: instance,
    [MANAGED_BY]: FIELD_MANAGER,
    // Last: configured labels take precedence.
    ...labels,
  };
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
