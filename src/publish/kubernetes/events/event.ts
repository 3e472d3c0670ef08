import { FIELD_MANAGER } from '../../annotations.ts';
import type { PublishedEvent } from '../../publisher.ts';
import type { ObjectRef } from '../api/client.ts';
import type { KubernetesObject } from '../api/object.ts';

/** The Secret as an Event refers to it; without uid and version where it does not exist. */
export interface Involved {
  readonly apiVersion: 'v1';
  readonly kind: 'Secret';
  readonly namespace: string;
  readonly name: string;
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

/** What happened to a Secret, and how often by now. Times are milliseconds since the epoch. */
export interface Occurrence extends Pick<PublishedEvent, 'type' | 'reason'> {
  readonly message: string;
  readonly involved: Involved;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly count: number;
}

/** What events.k8s.io/v1 accepts of a note (`NoteLengthLimit`), which is the message of core/v1. */
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
  // As a stream, so that the half of a character at the cut is left out.
  const kept = bytes.subarray(0, MAX_MESSAGE_BYTES - Buffer.byteLength(CUT));
  return new TextDecoder().decode(kept, { stream: true }) + CUT;
}

/** A core/v1 Event. Its name is made by the API server, so that replicas cannot take the same one. */
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

/** What changes of an Event when the same happens again. */
export function recurrence({ count, lastAt }: Occurrence): object {
  return { count, lastTimestamp: new Date(lastAt).toISOString() };
}
