import type { Content } from '../identity/policy/decide.ts';
import { issuerOf } from '../identity/x509/certificate.ts';
import { renderTlsContext, type TlsContextOptions } from './tls-context.ts';

/** Names and labels of the objects, from the configuration. */
export interface ObjectNames extends TlsContextOptions {
  readonly secretNamespace: string;
  readonly service: string;
  readonly serviceNamespace: string;
  /** The Ambassador ID, or `ambassador`: the value of `app.kubernetes.io/instance`. */
  readonly instance: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The port the status server listens on, where the Service leads. */
  readonly statusPort: number;
}

export interface Metadata {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
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

/** All that is published, in the order of writing. */
export interface Manifests {
  /** Only where the gateway verifies its peers. */
  readonly upstreamCa: SecretManifest | undefined;
  readonly secret: SecretManifest;
  /** Only where it is wanted. */
  readonly service: ServiceManifest | undefined;
}

export const FIELD_MANAGER = 'ambassador-consul-connector';
export const TLS_SECRET_TYPE = 'kubernetes.io/tls';
export const OPAQUE_SECRET_TYPE = 'Opaque';
export const TLS_CONTEXT_ANNOTATION = 'getambassador.io/config';
export const MANAGED_BY = 'app.kubernetes.io/managed-by';
export const WRITTEN_AT = `${FIELD_MANAGER}/written-at`;
export const WRITE_REASON = `${FIELD_MANAGER}/write-reason`;
export const WRITE_HISTORY = `${FIELD_MANAGER}/write-history`;

/** When and why an object was written: kept as they are while nothing else changes. */
export interface WriteRecord {
  readonly at: string;
  readonly reason: string;
  /** The writes before it, one a line, the newest first. */
  readonly history?: string | undefined;
}

/** A rotation is two or three writes. */
const WRITES_TOLD = 5;
/** Longer ones were edited by hand, and annotations have 256 KiB between them. */
const MAX_LINE = 200;

/** What versions before 1.0.0 wrote. */
const FORMER_WRITE_REASON = `${FIELD_MANAGER}/written-because`;
const FORMER_WRITE_HISTORY = `${FIELD_MANAGER}/written-before`;

/** The write record in an object's annotations, if it has one. */
export function readWriteRecord(annotations: Readonly<Record<string, unknown>>): WriteRecord | undefined {
  const at = annotations[WRITTEN_AT];
  const reason = annotations[WRITE_REASON] ?? annotations[FORMER_WRITE_REASON];
  const history = annotations[WRITE_HISTORY] ?? annotations[FORMER_WRITE_HISTORY];
  if (typeof at !== 'string' || typeof reason !== 'string') return undefined;
  return { at, reason, history: typeof history === 'string' ? history : undefined };
}

/** The occasion of a write that follows another: `kubectl describe` shows annotations of a Secret, and no Events. */
export function appendHistory(previous: WriteRecord, { at, reason }: WriteRecord): WriteRecord {
  const lines = [`${previous.at} ${previous.reason}`, ...(previous.history?.split('\n') ?? [])];
  const told = lines.slice(0, WRITES_TOLD - 1).map((line) => line.slice(0, MAX_LINE));
  return { at, reason, history: told.join('\n') };
}

function writeRecordAnnotations({ at, reason, history }: WriteRecord): Record<string, string> {
  const earlier = history === undefined ? {} : { [WRITE_HISTORY]: history };
  return { [WRITTEN_AT]: at, [WRITE_REASON]: reason, ...earlier };
}

/** What is published where nothing is yet; `apiVersion` is that of the TLSContext, undefined where no Service is wanted. */
export function allManifests(
  names: ObjectNames,
  content: Content,
  occasion: WriteRecord,
  apiVersion: string | undefined,
): Manifests {
  const { upstreamCaSecret } = names;
  return {
    upstreamCa:
      upstreamCaSecret === undefined
        ? undefined
        : upstreamCaManifest(names, upstreamCaSecret, content, occasion),
    secret: secretManifest(names, content, occasion),
    service: apiVersion === undefined ? undefined : serviceManifest(names, apiVersion),
  };
}

/** The Secret that holds `content`, with annotations for whoever reads `kubectl describe`. */
export function secretManifest(
  names: ObjectNames,
  content: Content,
  occasion: WriteRecord,
): SecretManifest<'tls.crt' | 'tls.key' | 'ca.crt'> {
  const { leaf, spiffeId } = content.identity;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: TLS_SECRET_TYPE,
    metadata: {
      name: names.secret,
      namespace: names.secretNamespace,
      labels: objectLabels(names),
      annotations: {
        [`${FIELD_MANAGER}/spiffe-id`]: spiffeId.uri,
        [`${FIELD_MANAGER}/trust-domain`]: spiffeId.trustDomain,
        [`${FIELD_MANAGER}/serial-number`]: leaf.x509.serialNumber.toLowerCase(),
        [`${FIELD_MANAGER}/issuer`]: issuerOf(leaf),
        [`${FIELD_MANAGER}/not-before`]: new Date(leaf.notBefore).toISOString(),
        [`${FIELD_MANAGER}/not-after`]: new Date(leaf.notAfter).toISOString(),
        ...writeRecordAnnotations(occasion),
      },
    },
    data: {
      'tls.crt': base64(content.tlsCrt),
      'tls.key': base64(content.tlsKey),
      'ca.crt': base64(content.caCrt),
    },
  };
}

/** The Secret that `ca_secret` names: Ambassador reads the roots from its `tls.crt`, and makes no use of a `ca.crt` there. */
export function upstreamCaManifest(
  names: ObjectNames,
  name: string,
  content: Content,
  occasion: WriteRecord,
): SecretManifest {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: OPAQUE_SECRET_TYPE,
    metadata: {
      name,
      namespace: names.secretNamespace,
      labels: objectLabels(names),
      annotations: {
        [`${FIELD_MANAGER}/trust-domain`]: content.identity.spiffeId.trustDomain,
        ...writeRecordAnnotations(occasion),
      },
    },
    data: { 'tls.crt': base64(content.caCrt) },
  };
}

/** The Service whose annotation tells Ambassador to use the Secret. Headless: it only serves scraping. */
export function serviceManifest(names: ObjectNames, apiVersion: string): ServiceManifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: names.service,
      namespace: names.serviceNamespace,
      labels: objectLabels(names),
      annotations: { [TLS_CONTEXT_ANNOTATION]: renderTlsContext(names, apiVersion) },
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
    ...labels,
    'app.kubernetes.io/name': FIELD_MANAGER,
    'app.kubernetes.io/instance': instance,
    [MANAGED_BY]: FIELD_MANAGER,
  };
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
