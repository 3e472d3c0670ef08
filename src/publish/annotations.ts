/** By which the API server knows our writes, and with which the annotations of our own begin. */
export const FIELD_MANAGER = 'ambassador-consul-connector';

/** Ambassador reads its configuration there. */
export const TLS_CONTEXT_ANNOTATION = 'getambassador.io/config';

/** What `kubectl apply` leaves: of the old program's Secret, a copy of an old private key. */
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Whether it has a meaning for the connector, so that nobody configures it. */
export function isReserved(annotation: string): boolean {
  if (annotation.startsWith(`${FIELD_MANAGER}/`)) return true;
  return annotation === TLS_CONTEXT_ANNOTATION || annotation === LAST_APPLIED;
}
