import { FIELD_MANAGER } from '../../annotations.ts';
import type { PublishedEvent } from '../../publisher.ts';
import type { ObjectRef } from '../api/client.ts';
import type { KubernetesObject } from '../api/object.ts';

/** The Secret as referenced by an Event; without uid and version if it does not exist. */
export interface Involved {
  readonly apiVersion: 'v1';
  readonly kind: 'Secret';
  readonly namespace: string;
  readonly name: string;
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

/** What happened to a Secret, and how often. Times are milliseconds since the epoch. */
export interface Occurrence extends Pick<PublishedEvent, 'type' | 'reason'> {
  readonly message: string;
  readonly involved: Involved;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly count: number;
}

/** The limit of a note in events.k8s.io/v1 (`NoteLengthLimit`), which is the message in core/v1. */
const MAX_MESSAGE_BYTES = 1024;
const CUT = '…';

export function involvedSecret(
  { namespace, name }: ObjectRef,
  secret: KubernetesObject | undefined,
): Involved {
  const { uid, resourceVersion } = secret ?? {};
  return { apiVersion: 'v1', kind: 'Secret', namespace, name, uid, resourceVersion };
}

/** One line: the code, what happened, and the remedy. */
export function eventMessage({ message, code, remedy }: PublishedEvent): string {
  const said = code === undefined ? message : `${code}: ${message}`;
  const whole = remedy === undefined ? said : `${said}; remedy: ${remedy}`;
  const bytes = new TextEncoder().encode(whole.replaceAll(/\s+/g, ' '));
  if (bytes.length <= MAX_MESSAGE_BYTES) return new TextDecoder().decode(bytes);
  // As a stream, which omits an incomplete character at the end.
  const kept = bytes.subarray(0, MAX_MESSAGE_BYTES - Buffer.byteLength(CUT));
  return new TextDecoder().decode(kept, { stream: true }) + CUT;
}

/** A core/v1 Event. The API server generates its name, so that replicas cannot choose the same one. */
export function eventManifest(occurrence: Occurrence, instance: string): object {
  const { type, reason, message, involved, firstAt } = occurrence;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { generateName: `${involved.name}.`, namespace: involved.namespace },
    involvedObject: involved,
    type,
    reason,
    message,
    source: { component: FIELD_MANAGER },
    reportingComponent: FIELD_MANAGER,
    reportingInstance: instance,
    firstTimestamp: new Date(firstAt).toISOString(),
    ...recurrence(occurrence),
  };
}

/** The fields of an Event that change when it recurs. */
export function recurrence({ count, lastAt }: Occurrence): object {
  return { count, lastTimestamp: new Date(lastAt).toISOString() };
}
