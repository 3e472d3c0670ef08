import { PublishError } from '../../../errors.ts';
import { isRecord, within } from '../../../lib/record.ts';

/** The used fields of a Secret or Service from the API server. */
export interface KubernetesObject {
  readonly name: string;
  readonly namespace: string | undefined;
  readonly uid: string | undefined;
  readonly resourceVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Of a Secret. */
  readonly type: string | undefined;
  readonly immutable: boolean;
  /** The field managers of what we write: the data of a Secret, the annotation of a Service. */
  readonly managers: readonly string[];
  /** The field managers of each label. */
  readonly labelOwners: Readonly<Record<string, readonly string[]>>;
  /** The field managers of each annotation. */
  readonly annotationOwners: Readonly<Record<string, readonly string[]>>;
  /** The field managers of each key in a Secret's data. */
  readonly dataOwners: Readonly<Record<string, readonly string[]>>;
  /** The data of a Secret, base64. */
  readonly data: Readonly<Record<string, string>>;
  /** Of a Service. */
  readonly spec: Readonly<Record<string, unknown>>;
}

/** @throws PublishError KUBERNETES_INVALID_RESPONSE, without quoting the answer, which may contain a private key */
export function decodeObject(value: unknown): KubernetesObject {
  const metadata = asRecord(asRecord(value)['metadata']);
  const { name, namespace, uid, resourceVersion } = metadata;
  if (typeof name !== 'string' || typeof resourceVersion !== 'string') {
    throw unusable('an object without name or resourceVersion');
  }
  const { type, immutable, data, spec } = asRecord(value);
  return {
    name,
    namespace: typeof namespace === 'string' ? namespace : undefined,
    uid: typeof uid === 'string' ? uid : undefined,
    resourceVersion,
    labels: strings(metadata['labels']),
    annotations: strings(metadata['annotations']),
    type: typeof type === 'string' ? type : undefined,
    immutable: immutable === true,
    managers: managersOf(metadata['managedFields']),
    labelOwners: entryOwners(metadata['managedFields'], ['f:metadata', 'f:labels']),
    annotationOwners: entryOwners(metadata['managedFields'], ['f:metadata', 'f:annotations']),
    dataOwners: entryOwners(metadata['managedFields'], ['f:data']),
    data: strings(data),
    spec: isRecord(spec) ? spec : {},
  };
}

/** The objects of a list, and the resourceVersion from which to watch. */
export function decodeList(value: unknown): { items: readonly KubernetesObject[]; resourceVersion: string } {
  const { items, metadata } = asRecord(value);
  const { resourceVersion } = asRecord(metadata);
  if (!Array.isArray(items ?? []) || typeof resourceVersion !== 'string')
    throw unusable('a list without items');
  return { items: Array.isArray(items) ? items.map(decodeObject) : [], resourceVersion };
}

export function asRecord(value: unknown): Record<string, unknown> {
  if (!isRecord(value)) throw unusable('something that is not an object');
  return value;
}

/** Other writers may add labels and annotations; only the data and Ambassador's annotation are exclusively ours. */
function managersOf(managedFields: unknown): string[] {
  const managers = ownersOf(managedFields).flatMap(({ manager, fields }) => {
    // After an adoption the original creator still owns `f:data`, but none of its keys.
    const ownsData = Object.keys(within(fields, 'f:data')).some((key) => key.startsWith('f:'));
    const ownsConfig = 'f:getambassador.io/config' in within(within(fields, 'f:metadata'), 'f:annotations');
    return ownsData || ownsConfig ? [manager] : [];
  });
  return [...new Set(managers)];
}

/** The field managers of each entry of a map, from its `fieldsV1`. */
function entryOwners(managedFields: unknown, path: readonly string[]): Record<string, string[]> {
  const owners: Record<string, string[]> = {};
  for (const { manager, fields } of ownersOf(managedFields)) {
    for (const field of Object.keys(path.reduce(within, fields))) {
      const key = field.slice('f:'.length);
      if (field.startsWith('f:')) owners[key] = [...(owners[key] ?? []), manager];
    }
  }
  return owners;
}

function ownersOf(managedFields: unknown): { manager: string; fields: Readonly<Record<string, unknown>> }[] {
  const entries: readonly unknown[] = Array.isArray(managedFields) ? managedFields : [];
  return entries.flatMap((entry) =>
    isRecord(entry) && typeof entry['manager'] === 'string'
      ? [{ manager: entry['manager'], fields: within(entry, 'fieldsV1') }]
      : [],
  );
}

function strings(value: unknown): Record<string, string> {
  const entries = isRecord(value) ? Object.entries(value) : [];
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function unusable(what: string): PublishError {
  return new PublishError('KUBERNETES_INVALID_RESPONSE', `the API server answered ${what}`, {
    remedy: 'check that the kubeconfig leads to the API server itself and not to a proxy or a login page',
  });
}
