import type { WriteCause, WriteReason } from '../../identity/policy/decision.ts';
import { FIELD_MANAGER, TLS_CONTEXT_ANNOTATION } from '../annotations.ts';
import type { KubernetesObject } from './api/object.ts';

/** `urgent`: without the write the gateway has nothing that works. */
export type Urgency = 'urgent' | 'ordinary';

/** With these nothing that works is published. */
const UNUSABLE: readonly WriteReason[] = ['missing', 'invalid'];

/** What another connector wrote is no emergency: two that want different things must not fight the faster for it. */
export function secretUrgency(current: KubernetesObject | undefined, { reason }: WriteCause): Urgency {
  const isOfConnector = ['tls.crt', 'tls.key'].every((key) =>
    current?.dataOwners[key]?.includes(FIELD_MANAGER),
  );
  return UNUSABLE.includes(reason) && !isOfConnector ? 'urgent' : 'ordinary';
}

export function serviceUrgency(current: KubernetesObject | undefined): Urgency {
  return current?.annotations[TLS_CONTEXT_ANNOTATION] === undefined ? 'urgent' : 'ordinary';
}
