import type { Dispatcher } from 'undici';
import { PublishError } from '../../../errors.ts';
import { type Clock, startDeadline, withDeadline } from '../../../lib/clock.ts';
import { orAborted } from '../../../lib/or-aborted.ts';
import type { Credentials } from './credentials.ts';
import { type Access, errorOfFailure, errorOfTransport, type Question, unusableAnswer } from './errors.ts';
import { asRecord } from './object.ts';
import { readRetryAfter, readWarnings } from './response-headers.ts';
import { readLines } from './watch-stream.ts';

export interface RequestsOptions {
  readonly credentials: Credentials;
  readonly clock: Clock;
  /** Called once per request, with `ok` or the error code. */
  readonly onRequest: (verb: string, resource: string, outcome: string) => void;
  /** Called for each `Warning` header of a response. */
  readonly onWarning: (access: Access, warning: string) => void;
  /** Milliseconds for a complete answer; not for streams. */
  readonly deadlineMs?: number;
}

export interface Call {
  readonly method: Dispatcher.HttpMethod;
  readonly path: string;
  readonly access?: Access;
  /** For errors of a request without `access`. Default: the query for the server's version. */
  readonly question?: Question;
  readonly contentType?: string;
  readonly body?: unknown;
}

const DEFAULT_DEADLINE_MS = 15_000;
/** After this time the API server ends a stream. */
export const STREAM_SECONDS = 290;
/** For a stream, with half a minute for a slow network. */
const STREAM_DEADLINE_MS = (STREAM_SECONDS + 30) * 1000;
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** Sends requests to the API server over one connection pool, with credentials, deadlines and limits, and maps errors. */
export class Requests {
  readonly #options: RequestsOptions;

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  /**
   * Returns the decoded JSON of the answer.
   *
   * @throws PublishError
   */
  async call(call: Call, parent: AbortSignal): Promise<unknown> {
    const { clock, deadlineMs = DEFAULT_DEADLINE_MS } = this.#options;
    return withDeadline(clock, deadlineMs, parent, (signal, timedOut) =>
      this.#counted(call.access, async () => {
        try {
          const { body } = await this.#send(call, signal);
          return parseJson(await orAborted(readText(body), signal));
        } catch (error) {
          throw this.#errorOf(error, timedOut(), `did not answer in ${deadlineMs} ms`);
        }
      }),
    );
  }

  /**
   * Yields the decoded JSON of each line of the answer, until the server or `parent` ends it; `onOpen` is called once the server
   * has accepted the request.
   *
   * @throws PublishError
   */
  async *stream(call: Call, onOpen: () => void, parent: AbortSignal): AsyncGenerator<unknown> {
    const { signal, timedOut, end } = startDeadline(this.#options.clock, STREAM_DEADLINE_MS, parent);
    const errorOf = (error: unknown): PublishError =>
      this.#errorOf(error, timedOut(), `did not end a watch after ${STREAM_SECONDS} s`);
    try {
      const response = await this.#counted(call.access, async () => {
        try {
          return await this.#send(call, signal);
        } catch (error) {
          throw errorOf(error);
        }
      });
      onOpen();
      try {
        for await (const line of readLines(response.body, MAX_ANSWER_BYTES)) yield parseJson(line);
      } catch (error) {
        throw errorOf(error);
      } finally {
        response.body.destroy();
      }
    } finally {
      end();
    }
  }

  /** Sends one request. After a 401 it is retried once with reloaded credentials, because token files rotate. */
  async #send(call: Call, signal: AbortSignal, retry = true): Promise<Dispatcher.ResponseData> {
    const { credentials } = this.#options;
    const { headers, agent } = await this.#authorize(signal);
    const { origin, pathname, search } = new URL(`${credentials.server}${call.path}`);
    const answer = agent.request({
      origin,
      path: `${pathname}${search}`,
      method: call.method,
      signal,
      // The deadlines of `call` and `stream` apply. undici's own need a timer that ticks twice a second.
      headersTimeout: 0,
      bodyTimeout: 0,
      headers: {
        ...headers,
        accept: 'application/json',
        ...(call.contentType === undefined ? {} : { 'content-type': call.contentType }),
      },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    });
    // undici ignores the signal while a request waits for its connection.
    const response = await orAborted(answer, signal);
    const { access } = call;
    if (access !== undefined)
      for (const warning of readWarnings(response.headers['warning']))
        this.#options.onWarning(access, warning);
    if (response.statusCode < 300) return response;
    const text = await readText(response.body);
    if (response.statusCode === 401) {
      await credentials.reload();
      if (retry) return this.#send(call, signal, false);
    }
    const failure = {
      status: response.statusCode,
      ...readStatus(text),
      retryAfterMs: readRetryAfter(response.headers['retry-after']),
    };
    throw errorOfFailure(failure, access, call.question);
  }

  /** With a deadline even for streams, because a token file or a credential plugin may hang. */
  #authorize(parent: AbortSignal): ReturnType<Credentials['authorize']> {
    const { clock, credentials, deadlineMs = DEFAULT_DEADLINE_MS } = this.#options;
    return withDeadline(clock, deadlineMs, parent, (signal) => credentials.authorize(signal));
  }

  /** @param lateness what the API server did not do in time, if the deadline has passed */
  #errorOf(error: unknown, timedOut: boolean, lateness: string): PublishError {
    const { server } = this.#options.credentials;
    // A PublishError already names what timed out.
    if (!timedOut || error instanceof PublishError) return errorOfTransport(error, server);
    return new PublishError('KUBERNETES_TIMEOUT', `the API server at ${server} ${lateness}`, {
      remedy: 'check the load of the API server and the network in between',
      cause: error,
    });
  }

  async #counted<T>(access: Access | undefined, work: () => Promise<T>): Promise<T> {
    const { onRequest } = this.#options;
    const [verb, resource] = [access?.verb ?? 'get', access?.resource ?? 'apis'];
    try {
      const result = await work();
      onRequest(verb, resource, 'ok');
      return result;
    } catch (error) {
      onRequest(verb, resource, error instanceof PublishError ? error.code : 'UNEXPECTED');
      throw error;
    }
  }
}

async function readText(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) {
      throw unusableAnswer('the API server answered more than 8 MiB');
    }
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** @throws PublishError KUBERNETES_INVALID_RESPONSE */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unusableAnswer('the API server answered something that is not JSON');
  }
}

function readStatus(text: string): { reason: string; message: string } {
  try {
    const { reason, message } = asRecord(JSON.parse(text));
    return { reason: String(reason ?? ''), message: String(message ?? '') };
  } catch {
    // API priority and fairness answers in plain text. An HTML page comes from a proxy.
    return { reason: '', message: /^\s*</.test(text) ? '' : text };
  }
}
