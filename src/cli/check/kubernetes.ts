import { PublishError } from '../../errors.ts';
import type { Insecurity } from '../../lib/insecurity.ts';
import { FIELD_MANAGER } from '../../publish/annotations.ts';
import { assertAdoptable, assertServiceAdoptable } from '../../publish/kubernetes/adoption.ts';
import type { KubernetesClient, ObjectRef } from '../../publish/kubernetes/api/client.ts';
import { type Access, errorOfMissingRule, isNamed, type Verb } from '../../publish/kubernetes/api/errors.ts';
import type { KubernetesObject } from '../../publish/kubernetes/api/object.ts';
import type { SecretManifest, ServiceManifest } from '../../publish/manifests.ts';
import { CREATION, checkCreation } from './creation.ts';
import { checkGateway } from './gateway/gateway.ts';
import type { GatewaySide } from './gateway/side.ts';
import {
  after,
  asConnectorError,
  fail,
  pass,
  type Row,
  type Subject,
  skip,
  skipAll,
  warn,
} from './result.ts';

/** An object that the connector writes. */
export interface PlannedObject extends ObjectRef {
  /** Of a Secret. */
  readonly type?: SecretManifest['type'];
  /** Of a Service. */
  readonly manifest?: ServiceManifest;
}

export interface KubernetesSide {
  readonly client: KubernetesClient;
  /** The objects that are written, the Secrets first. */
  readonly objects: readonly PlannedObject[];
  readonly gateway: GatewaySide;
  readonly insecurity: Insecurity | undefined;
}

/** The verbs that the Role of k8s/ambassador-consul-connector.yaml grants on each object. */
const VERBS: readonly Verb[] = ['list', 'watch', 'create', 'patch'];
/** The verbs on Events about the Secret. Without them everything is published, but not reported. */
const EVENT_VERBS: readonly Verb[] = ['create', 'patch'];

const REACH = { check: 'kubernetes', what: 'reach Kubernetes' };

/** Ordered from cause to effect. */
export function kubernetesSubjects(objects: readonly ObjectRef[]): Subject[] {
  return [REACH, ...rightsOn(objects).map(rightTo), CREATION, ...objects.map(existing)];
}

/** Queries the API server for the daemon's permissions and the existing objects, in two rounds. Writes nothing. */
export async function checkKubernetes(side: KubernetesSide, signal: AbortSignal): Promise<Row[]> {
  const { client, objects, gateway, insecurity } = side;
  const [, ...others] = kubernetesSubjects(objects);
  const reached = await reach(client, insecurity, signal);
  if (reached.status === 'fail') return [reached, ...skipAll(others, after(REACH))];
  const [objectRows, gatewayRows] = await Promise.all([
    checkObjects(client, objects, signal),
    checkGateway(client, gateway, signal),
  ]);
  return [reached, ...objectRows, ...gatewayRows];
}

async function checkObjects(
  client: KubernetesClient,
  objects: readonly PlannedObject[],
  signal: AbortSignal,
): Promise<Row[]> {
  const found = await Promise.all(objects.map((ref) => look(client, ref, signal)));
  const there = objects.filter((_, index) => isThere(found[index]));
  const rights = rightsOn(objects).map((access) => right(client, access, isNeeded(access, there), signal));
  const [secret] = objects;
  const rows = await Promise.all([...rights, ...(secret ? [checkCreation(client, secret, signal)] : [])]);
  return [...rows, ...objects.map((ref, index) => existingRow(ref, found[index]))];
}

async function reach(
  client: KubernetesClient,
  insecurity: Insecurity | undefined,
  signal: AbortSignal,
): Promise<Row> {
  const reached = (what: string): Row =>
    insecurity === undefined
      ? pass(REACH, what)
      : warn(REACH, `${what}\n${insecurity.warning}`, insecurity.remedy);
  try {
    const version = await client.serverVersion(signal);
    return reached(version === undefined ? client.server : `${client.server}, ${version}`);
  } catch (error) {
    // A 403 means that it was reached; the daemon itself does not need the version.
    if (error instanceof PublishError && error.code === 'KUBERNETES_FORBIDDEN') return reached(client.server);
    return fail(REACH, asConnectorError(error));
  }
}

/** The object, if there is one, or the error of reading it. */
type Look = { readonly object: KubernetesObject | undefined } | { readonly error: PublishError };

async function look(client: KubernetesClient, ref: ObjectRef, signal: AbortSignal): Promise<Look> {
  try {
    return { object: (await client.read(ref, signal)).object };
  } catch (error) {
    if (error instanceof PublishError) return { error };
    throw error;
  }
}

function isThere(found: Look | undefined): boolean {
  return found !== undefined && 'object' in found && found.object !== undefined;
}

/** Each permission that the daemon uses, those on Events last. */
function rightsOn(objects: readonly ObjectRef[]): Access[] {
  const [secret] = objects;
  return [
    ...objects.flatMap((ref) => VERBS.map((verb) => ({ ...ref, verb }))),
    ...EVENT_VERBS.flatMap((verb) => (secret ? [{ ...secret, resource: 'events' as const, verb }] : [])),
  ];
}

/** With k8s/overlays/no-create, objects are created by hand: `create` is missing only after one is deleted. */
function isNeeded({ verb, resource, name }: Access, there: readonly ObjectRef[]): boolean {
  if (resource === 'events') return false;
  return verb !== 'create' || !there.some((ref) => ref.resource === resource && ref.name === name);
}

async function right(
  client: KubernetesClient,
  access: Access,
  needed: boolean,
  signal: AbortSignal,
): Promise<Row> {
  const subject = rightTo(access);
  try {
    if (await client.may(access, signal))
      return pass(
        subject,
        isNamed(access) ? `allowed on ${where(access)}` : `allowed in namespace ${access.namespace}`,
      );
  } catch (error) {
    // A cluster may forbid this query; the permission then shows only when it is used.
    return fail(subject, asConnectorError(error), 'warn');
  }
  if (!needed && access.verb === 'create' && access.resource !== 'events')
    return pass(subject, `not allowed, and not needed while ${where(access)} exists`);
  return fail(subject, errorOfMissingRule(access), needed ? 'fail' : 'warn');
}

function existingRow(ref: PlannedObject, found: Look | undefined): Row {
  const subject = existing(ref);
  if (found === undefined) return skip(subject, after(REACH));
  if ('error' in found) {
    const { error } = found;
    if (error.code === 'KUBERNETES_FORBIDDEN') return skip(subject, after(rightTo({ ...ref, verb: 'list' })));
    return fail(subject, error);
  }
  const { object } = found;
  if (object === undefined) return pass(subject, `${where(ref)} does not exist yet: it will be created`);
  try {
    if (ref.type !== undefined) assertAdoptable(object, { type: ref.type, metadata: ref });
    if (ref.manifest !== undefined) assertServiceAdoptable(object, ref.manifest);
  } catch (error) {
    return fail(subject, asConnectorError(error));
  }
  const others = object.managers.filter((manager) => manager !== FIELD_MANAGER);
  if (others.length === 0)
    return pass(subject, `${where(ref)} is written by ${object.managers.join(', ') || 'no field manager'}`);
  return warn(
    subject,
    `${where(ref)} is also written by ${others.join(', ')}: the connector will adopt its own fields`,
    'stop the other writer, or set another name',
  );
}

function where({ namespace, name }: ObjectRef): string {
  return `${namespace}/${name}`;
}

function rightTo({ verb, resource, name }: Access): Subject {
  const on = resource === 'events' ? resource : `${resource}-${name}`;
  return { check: `rbac-${verb}-${on}`, what: `right to ${verb} ${resource}` };
}

function existing({ resource, name }: ObjectRef): Subject {
  return {
    check: `existing-${resource}-${name}`,
    what: resource === 'secrets' ? 'the Secret' : 'the Service',
  };
}
