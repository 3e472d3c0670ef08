import type { Json, JsonObject } from './json.ts';
import { isObject } from './json.ts';

export interface ManagedFieldsEntry extends JsonObject {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  time: string;
  fieldsType: 'FieldsV1';
  fieldsV1: JsonObject;
}

export interface ObjectMeta extends JsonObject {
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  managedFields?: ManagedFieldsEntry[];
}

/** An object as the API serves it. The fields named here are those of Secrets and Services that tests look at. */
export interface KubeObject extends JsonObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  type?: string;
  immutable?: boolean;
  data?: Record<string, string>;
  spec?: JsonObject;
  status?: JsonObject;
}

/** An object as a person writes it: the server fills in the rest. */
export interface Manifest extends JsonObject {
  kind: Kind;
  metadata: { [key: string]: Json | undefined; name: string; namespace?: string };
}

export type Kind = 'Secret' | 'Service' | 'Event' | 'Namespace';

export interface Resource {
  group: string;
  version: string;
  plural: string;
  kind: Kind;
  namespaced: boolean;
  shortNames: string[];
}

const secrets: Resource = {
  group: '',
  version: 'v1',
  plural: 'secrets',
  kind: 'Secret',
  namespaced: true,
  shortNames: [],
};

export const RESOURCES: readonly Resource[] = [
  secrets,
  { ...secrets, plural: 'services', kind: 'Service', shortNames: ['svc'] },
  { ...secrets, plural: 'events', kind: 'Event', shortNames: ['ev'] },
  { ...secrets, plural: 'namespaces', kind: 'Namespace', namespaced: false, shortNames: ['ns'] },
  // Both groups show the same events, as in a real server: one bucket in the store.
  { ...secrets, group: 'events.k8s.io', plural: 'events', kind: 'Event', shortNames: ['ev'] },
];

export function resourceOf(kind: Kind): Resource {
  return RESOURCES.find((resource) => resource.kind === kind) ?? secrets;
}

export function groupVersion(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** `secrets`, or `events.events.k8s.io`: how messages name a resource. */
export function qualified(resource: Pick<Resource, 'group' | 'plural'>): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
}

/** True when the server has filled in what every served object has. */
export function isKubeObject(value: JsonObject): value is KubeObject {
  const { apiVersion, kind, metadata } = value;
  return (
    typeof apiVersion === 'string' &&
    typeof kind === 'string' &&
    isObject(metadata) &&
    ['name', 'uid', 'resourceVersion', 'creationTimestamp'].every((key) => typeof metadata[key] === 'string')
  );
}

export function kubeObject(value: JsonObject): KubeObject {
  if (!isKubeObject(value)) {
    throw new TypeError(`not a complete object: ${JSON.stringify(value['metadata'])}`);
  }
  return value;
}
