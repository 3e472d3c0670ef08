import type { FieldFault } from './errors.ts';
import { badRequest, invalid } from './errors.ts';
import type { JsonObject } from './json.ts';
import { copy, isObject, isStringMap, objectAt, same, textOf } from './json.ts';
import type { Kind } from './objects.ts';

const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const DNS_1035_LABEL = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const MAX_SECRET_BYTES = 1_048_576;

let nextAddress = 1;

/** What the real server fills in before it stores; `previous` keeps what was allocated once (a Service's address). */
export function withDefaults(kind: Kind, object: JsonObject, previous?: JsonObject): JsonObject {
  const next = copy(object);
  if (kind === 'Secret') {
    next['type'] ??= 'Opaque';
    const plain = next['stringData'];
    delete next['stringData'];
    if (isStringMap(plain)) {
      const encoded = Object.entries(plain).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
      next['data'] = { ...objectAt(next, 'data'), ...Object.fromEntries(encoded) };
    }
  } else if (kind === 'Service') {
    next['spec'] = serviceSpec(objectAt(next, 'spec'), objectAt(previous ?? {}, 'spec'));
    next['status'] ??= { loadBalancer: {} };
  } else if (kind === 'Namespace') {
    next['status'] ??= { phase: 'Active' };
  }
  return next;
}

function serviceSpec(spec: JsonObject, previous: JsonObject): JsonObject {
  const clusterIP = spec['clusterIP'] ?? previous['clusterIP'] ?? `10.96.0.${(nextAddress++ % 250) + 1}`;
  const ports = Array.isArray(spec['ports']) ? spec['ports'] : [];
  return {
    ...spec,
    clusterIP,
    clusterIPs: spec['clusterIPs'] ?? [clusterIP],
    type: spec['type'] ?? 'ClusterIP',
    sessionAffinity: spec['sessionAffinity'] ?? 'None',
    ipFamilies: spec['ipFamilies'] ?? ['IPv4'],
    ipFamilyPolicy: spec['ipFamilyPolicy'] ?? 'SingleStack',
    internalTrafficPolicy: spec['internalTrafficPolicy'] ?? 'Cluster',
    ...(ports.length === 0
      ? {}
      : {
          ports: ports.map((port) =>
            isObject(port)
              ? {
                  ...port,
                  protocol: port['protocol'] ?? 'TCP',
                  targetPort: port['targetPort'] ?? port['port'],
                }
              : port,
          ),
        }),
  };
}

function fault(reason: FieldFault['reason'], field: string, message: string): FieldFault {
  return { reason, field, message };
}

function metadataFaults(kind: Kind, metadata: JsonObject): FieldFault[] {
  const name = textOf(metadata['name']) ?? '';
  const good = kind === 'Service' ? DNS_1035_LABEL : DNS_SUBDOMAIN;
  const rule =
    kind === 'Service'
      ? "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character"
      : "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
  const badName = !good.test(name) || name.length > (kind === 'Service' ? 63 : 253);
  const badLabels = Object.values(objectAt(metadata, 'labels')).filter(
    (value) => typeof value !== 'string' || value.length > 63 || !LABEL_VALUE.test(value),
  );
  return [
    ...(badName
      ? [fault('FieldValueInvalid', 'metadata.name', `Invalid value: ${JSON.stringify(name)}: ${rule}`)]
      : []),
    ...badLabels.map((value) =>
      fault(
        'FieldValueInvalid',
        'metadata.labels',
        `Invalid value: ${JSON.stringify(value)}: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`,
      ),
    ),
  ];
}

function secretFaults(next: JsonObject, previous: JsonObject | undefined): FieldFault[] {
  const faults: FieldFault[] = [];
  const data = objectAt(next, 'data');
  if (previous !== undefined && !same(next['type'], previous['type'])) {
    const value = JSON.stringify(next['type']);
    faults.push(fault('FieldValueInvalid', 'type', `Invalid value: ${value}: field is immutable`));
  }
  if (previous?.['immutable'] === true) {
    const why = 'Forbidden: field is immutable when `immutable` is set';
    if (next['immutable'] !== true) {
      faults.push(fault('FieldValueForbidden', 'immutable', why));
    }
    if (!same(data, objectAt(previous, 'data'))) {
      faults.push(fault('FieldValueForbidden', 'data', why));
    }
  }
  if (next['type'] === 'kubernetes.io/tls') {
    for (const key of ['tls.crt', 'tls.key'].filter((key) => data[key] === undefined)) {
      faults.push(fault('FieldValueRequired', `data[${key}]`, 'Required value'));
    }
  }
  for (const key of Object.keys(data).filter((key) => !/^[-._a-zA-Z0-9]{1,253}$/.test(key))) {
    const why = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
    faults.push(fault('FieldValueInvalid', `data[${key}]`, `Invalid value: ${JSON.stringify(key)}: ${why}`));
  }
  const size = Object.values(data).reduce<number>((sum, value) => sum + (textOf(value)?.length ?? 0), 0);
  if (size * 0.75 > MAX_SECRET_BYTES) {
    faults.push(fault('FieldValueTooLong', 'data', `Too long: must have at most ${MAX_SECRET_BYTES} bytes`));
  }
  return faults;
}

function serviceFaults(next: JsonObject, previous: JsonObject | undefined): FieldFault[] {
  const spec = objectAt(next, 'spec');
  const clusterIP = spec['clusterIP'];
  const before = objectAt(previous ?? {}, 'spec')['clusterIP'];
  const ports = Array.isArray(spec['ports']) ? spec['ports'] : [];
  const nameless = ports.findIndex((port) => !isObject(port) || port['name'] === undefined);
  return [
    ...(before !== undefined && !same(before, clusterIP)
      ? [
          fault(
            'FieldValueInvalid',
            'spec.clusterIPs[0]',
            `Invalid value: []string{${JSON.stringify(clusterIP)}}: may not change once set`,
          ),
        ]
      : []),
    ...(ports.length === 0 && clusterIP !== 'None'
      ? [fault('FieldValueRequired', 'spec.ports', 'Required value')]
      : []),
    ...(ports.length > 1 && nameless >= 0
      ? [fault('FieldValueRequired', `spec.ports[${nameless}].name`, 'Required value')]
      : []),
  ];
}

/** As `legacyValidateEvent`: an Event is in the namespace of what it is about. */
function eventFaults(next: JsonObject): FieldFault[] {
  const { namespace } = objectAt(next, 'involvedObject');
  return same(namespace, objectAt(next, 'metadata')['namespace'])
    ? []
    : [
        fault(
          'FieldValueInvalid',
          'involvedObject.namespace',
          `Invalid value: ${JSON.stringify(namespace ?? '')}: does not match event.namespace`,
        ),
      ];
}

/** @throws ApiError 400 for what cannot be decoded */
export function decodable(kind: Kind, object: JsonObject): void {
  const metadata = objectAt(object, 'metadata');
  for (const key of ['labels', 'annotations']) {
    if (metadata[key] !== undefined && metadata[key] !== null && !isStringMap(metadata[key])) {
      throw badRequest(
        `${kind} in version "v1" cannot be handled as a ${kind}: json: cannot unmarshal into Go struct field ObjectMeta.metadata.${key} of type string`,
      );
    }
  }
  for (const value of kind === 'Secret' ? Object.values(objectAt(object, 'data')) : []) {
    if (value !== null && value !== undefined && !BASE64.test(textOf(value) ?? '!')) {
      throw badRequest(
        'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 0',
      );
    }
  }
}

/** @throws ApiError 422 with every fault, as `ValidateSecret`, `ValidateSecretUpdate` and their kin for Services word it */
export function validate(kind: Kind, next: JsonObject, previous?: JsonObject): void {
  const metadata = objectAt(next, 'metadata');
  const faults = [
    ...metadataFaults(kind, metadata),
    ...(kind === 'Secret' ? secretFaults(next, previous) : []),
    ...(kind === 'Service' ? serviceFaults(next, previous) : []),
    ...(kind === 'Event' ? eventFaults(next) : []),
  ];
  if (faults.length > 0) {
    throw invalid(kind, textOf(metadata['name']) ?? '', faults);
  }
}
