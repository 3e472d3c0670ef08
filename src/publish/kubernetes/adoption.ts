import { parseAllDocuments } from 'yaml';
import { PublishError } from '../../errors.ts';
import { trySpiffeIdOf } from '../../identity/spiffe-id.ts';
import { tryReadCertificates } from '../../identity/x509/certificate.ts';
import { isRecord } from '../../lib/record.ts';
import { FIELD_MANAGER, TLS_CONTEXT_ANNOTATION } from '../annotations.ts';
import {
  MANAGED_BY,
  type Metadata,
  type SecretManifest,
  type ServiceManifest,
  TLS_SECRET_TYPE,
} from '../manifests.ts';
import type { KubernetesObject } from './api/object.ts';

/** Either is enough: labels may be edited by hand, and a restored backup has other managers. */
export function isOurs({ labels, managers }: KubernetesObject): boolean {
  return labels[MANAGED_BY] === FIELD_MANAGER || managers.includes(FIELD_MANAGER);
}

/**
 * Rejects a Secret that cannot be adopted: one of another type or an immutable one cannot be updated, and one that another
 * writer uses for another purpose must not be replaced.
 *
 * @throws PublishError SECRET_NOT_ADOPTABLE
 */
export function assertAdoptable(
  secret: KubernetesObject,
  { type, metadata }: Pick<SecretManifest, 'type'> & { readonly metadata: Pick<Metadata, 'namespace'> },
): void {
  const problem = secret.immutable
    ? 'it is immutable'
    : secret.type !== type
      ? `its type is ${secret.type}, not ${type}`
      : isOurs(secret)
        ? undefined
        : foreignContent(secret, type);
  if (problem !== undefined) throw notAdoptable('Secret', metadata.namespace, secret.name, problem);
}

/**
 * Rejects a Service that another writer created for another purpose: its selector and its annotation would be lost. The old
 * program's Service has only our TLSContext in its annotation, and one created for us by hand has no selector.
 *
 * @throws PublishError SERVICE_NOT_ADOPTABLE
 */
export function assertServiceAdoptable(service: KubernetesObject, { metadata, spec }: ServiceManifest): void {
  if (isOurs(service)) return;
  const config = service.annotations[TLS_CONTEXT_ANNOTATION];
  const problem =
    config === undefined
      ? foreignSelector(service, spec.selector)
      : foreignConfig(config, metadata.annotations[TLS_CONTEXT_ANNOTATION] ?? '');
  if (problem !== undefined) throw notAdoptable('Service', metadata.namespace, service.name, problem);
}

function foreignContent({ data }: KubernetesObject, type: SecretManifest['type']): string | undefined {
  const [first] = tryReadCertificates(Buffer.from(data['tls.crt'] ?? '', 'base64').toString('utf8'));
  // A certificate that cannot be parsed is not in use.
  if (first === undefined) return undefined;
  const isExpected = type === TLS_SECRET_TYPE ? trySpiffeIdOf(first) !== undefined : first.isCa;
  if (isExpected) return undefined;
  const wanted = type === TLS_SECRET_TYPE ? 'an identity signed by Consul' : 'roots';
  return `it contains the certificate ${first.subject.replaceAll('\n', ', ') || 'of another'}, not ${wanted}`;
}

function foreignConfig(config: string, ours: string): string | undefined {
  const [own] = resources(ours);
  const isKnown = ({ kind, name, secret }: Resource): boolean =>
    kind === 'TLSContext' && (name === own?.name || secret === own?.secret);
  const found = resources(config);
  if (found.length > 0 && found.every(isKnown)) return undefined;
  const others = found.filter((resource) => !isKnown(resource)).map(({ kind, name }) => `${kind} ${name}`);
  return `the annotation ${TLS_CONTEXT_ANNOTATION} holds ${others.join(', ') || 'something else'}`;
}

interface Resource {
  readonly kind: string;
  readonly name: string;
  readonly secret: string;
}

function resources(config: string): readonly Resource[] {
  const documents = parseAllDocuments(config, { version: '1.1', logLevel: 'silent' });
  return [...documents].flatMap((document) => {
    const value: unknown = document.errors.length > 0 ? undefined : document.toJS();
    if (value === null) return [];
    const { kind, name, secret } = isRecord(value) ? value : {};
    return [{ kind: String(kind), name: String(name), secret: String(secret) }];
  });
}

function foreignSelector(
  { spec }: KubernetesObject,
  ours: Readonly<Record<string, string>>,
): string | undefined {
  const selector = isRecord(spec['selector']) ? spec['selector'] : {};
  const isKnown = Object.entries(selector).every(([key, value]) => ours[key] === value);
  if (isKnown) return undefined;
  return `it selects ${Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')}`;
}

function notAdoptable(
  kind: 'Secret' | 'Service',
  namespace: string,
  name: string,
  problem: string,
): PublishError {
  const isSecret = kind === 'Secret';
  const variable = isSecret ? '_AMBASSADOR_TLS_SECRET_NAME' : '_AMBASSADOR_SERVICE_NAME';
  return new PublishError(
    isSecret ? 'SECRET_NOT_ADOPTABLE' : 'SERVICE_NOT_ADOPTABLE',
    `the ${kind} ${namespace}/${name} cannot be adopted: ${problem}`,
    {
      remedy: `if it is not needed: kubectl -n ${namespace} delete ${kind.toLowerCase()} ${name}; else set ${variable} to another name`,
    },
  );
}
