/** Identifies our writes to the API server, and is the prefix of our annotations. */
export const FIELD_MANAGER = 'ambassador-consul-connector';

/** The annotation from which Ambassador reads configuration. */
export const TLS_CONTEXT_ANNOTATION = 'getambassador.io/config';

/** Written by `kubectl apply`: on the old program's Secret, it contains a copy of an old private key. */
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Whether the connector uses the annotation itself, so that it cannot be configured. */
export function isReserved(annotation: string): boolean {
  if (annotation.startsWith(`${FIELD_MANAGER}/`)) return true;
  return annotation === TLS_CONTEXT_ANNOTATION || annotation === LAST_APPLIED;
}
