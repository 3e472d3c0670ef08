import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { Answer } from './answer.ts';
import type { ConsulRequest } from './request.ts';

/** What Consul would have said. */
export interface Truth {
  /** With the blocking that the request asked for. */
  blocked(): Promise<Answer>;
  /** The state as it is, at once. */
  now(): Promise<Answer>;
}

/**
 * - `hang`: never an answer
 * - `stall-after-headers`: status and headers, the promise of a body, then nothing
 * - `cut-in-body`: half of the true body, then the connection ends
 * - `reset`: a TCP reset in place of an answer
 * - `close`: an orderly end of the connection in place of an answer
 */
export type Fault = 'hang' | 'stall-after-headers' | 'cut-in-body' | 'reset' | 'close';

/** An answer whose missing parts are 200, no headers and an empty body; a fault; or undefined for the truth. */
export type ScriptedAnswer = Partial<Answer> | Fault | undefined;

export type Script = (request: ConsulRequest, truth: Truth) => ScriptedAnswer | Promise<ScriptedAnswer>;

/** As Go's gzip handler, which Consul uses: smaller bodies go plain. */
const SMALLEST_GZIP = 1400;

export function sendAnswer(response: ServerResponse, request: ConsulRequest, answer: Partial<Answer>): void {
  const { status = 200, headers = {}, body = '' } = answer;
  const plain = Buffer.from(body);
  const accepts = String(request.headers['accept-encoding'] ?? '').includes('gzip');
  const encoded = Object.keys(headers).some((name) => name.toLowerCase() === 'content-encoding');
  const compress = accepts && !encoded && plain.length >= SMALLEST_GZIP;
  const bytes = compress ? gzipSync(plain) : plain;
  response.writeHead(status, {
    Vary: 'Accept-Encoding',
    ...(compress ? { 'Content-Encoding': 'gzip' } : {}),
    'Content-Length': bytes.length,
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

/** Does the fault; the connection, where one is left open, ends with the client or the server. */
export async function sendFault(
  response: ServerResponse,
  socket: Socket,
  fault: Fault,
  truth: Truth,
): Promise<void> {
  switch (fault) {
    case 'hang':
      return;
    case 'reset':
      socket.resetAndDestroy();
      return;
    case 'close':
      socket.end();
      return;
    case 'stall-after-headers':
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 2000 });
      response.flushHeaders();
      return;
    case 'cut-in-body': {
      const { status, headers, body } = await truth.now();
      const bytes = Buffer.from(body);
      response.writeHead(status, { ...headers, 'Content-Length': bytes.length });
      response.write(bytes.subarray(0, bytes.length / 2), () => socket.end());
      return;
    }
  }
}
