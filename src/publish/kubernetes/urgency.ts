import type { WriteCause, WriteReason } from '../../identity/policy/decision.ts';
import { FIELD_MANAGER, TLS_CONTEXT_ANNOTATION } from '../annotations.ts';
import type { KubernetesObject } from './api/object.ts';

/** `urgent`: without the write the gateway has no valid identity. */
export type Urgency = 'urgent' | 'ordinary';

/** With these reasons no valid identity is published. */
const UNUSABLE: readonly WriteReason[] = ['missing', 'invalid'];

/** Another connector's write is not urgent: two connectors with different settings must not overwrite each other even faster. */
export function secretUrgency(current: KubernetesObject | undefined, { reason }: WriteCause): Urgency {
  const isOfConnector = ['tls.crt', 'tls.key'].every((key) =>
    current?.dataOwners[key]?.includes(FIELD_MANAGER),
  );
  return UNUSABLE.includes(reason) && !isOfConnector ? 'urgent' : 'ordinary';
}

export function serviceUrgency(current: KubernetesObject | undefined): Urgency {
  return current?.annotations[TLS_CONTEXT_ANNOTATION] === undefined ? 'urgent' : 'ordinary';
}
