import type { Answer } from '../../fixtures/servers/http.ts';

/** @throws Error unless the service itself answered */
export function checkAnswer({ status, body }: Answer, service: string): void {
  if (status !== 200) throw new Error(`status ${status}`);
  if (!body.startsWith(`{"service":"${service}"`)) throw new Error('another service answered');
}
