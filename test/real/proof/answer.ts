import type { Answer } from '../../fixtures/servers/http.ts';

/** @throws Error unless the service itself answered */
export function checkAnswer({ status, body }: Answer, service: string): void {
  // Envoy says in plain text why it could not reach the service.
  if (status !== 200) throw new Error(`status ${status} ${body.startsWith('<') ? '' : body}`);
  if (!body.startsWith(`{"service":"${service}"`)) throw new Error('another service answered');
}
