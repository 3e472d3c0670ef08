import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Agent, type Dispatcher, request } from 'undici';
import { type Clock, withDeadline } from '../clock.ts';
import { ConsulError } from '../errors.ts';
import { errorOfStatus, errorOfTransport } from './remedies.ts';

/** Where Consul's HTTP API is and what it is asked with. */
export interface ConsulEndpoint {
  readonly host: string;
  readonly port: number;
  /** Sent in `X-Consul-Token` only; never logged. */
  readonly token: string | undefined;
  /** The Consul service whose leaf is wanted: for remedies that name the policy. */
  readonly service: string;
}

export interface ConsulAnswer {
  /** The body as text, gunzipped if it came so. */
  readonly text: string;
  readonly index: string | undefined;
  /** Seconds since the answer was fetched from a server, where an agent says so: above 0 it may be stale. */
  readonly ageSeconds: number | undefined;
}

const LARGEST_ANSWER_BYTES = 8 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 5_000;
/** Above the 60 s pauses of common idle time-outs nothing is gained; below them a kept connection is still alive. */
const KEEP_ALIVE_MS = 45_000;

const gunzipBounded = promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip);

/**
 * One connection to Consul, for one long poll: a request queued behind another obeys neither its deadline nor its
 * signal in undici, so polls do not share one.
 */
export class ConsulConnection {
  readonly #endpoint: ConsulEndpoint;
  readonly #clock: Clock;
  #agent: Agent;

  constructor(endpoint: ConsulEndpoint, clock: Clock) {
    this.#endpoint = endpoint;
    this.#clock = clock;
    this.#agent = makeAgent();
  }

  /** `http://host:port`, for logs. */
  get url(): string {
    return endpointUrl(this.#endpoint);
  }

  /**
   * GETs `path` within `deadlineMs`, whole body included.
   *
   * @throws ConsulError; after one the next request uses a new connection
   */
  async get(path: string, deadlineMs: number, signal: AbortSignal): Promise<ConsulAnswer> {
    const { token, service } = this.#endpoint;
    return withDeadline(this.#clock, deadlineMs, signal, async (requestSignal, timedOut) => {
      let response: { status: number; headers: Dispatcher.ResponseData['headers']; body: Buffer };
      try {
        const { statusCode, headers, body } = await request(`${this.url}${path}`, {
          dispatcher: this.#agent,
          signal: requestSignal,
          // Consul blocks longer than undici's 300 s; `deadlineMs` is the one deadline.
          headersTimeout: 0,
          bodyTimeout: 0,
          headers: token === undefined ? {} : { 'x-consul-token': token },
        });
        response = { status: statusCode, headers, body: Buffer.from(await body.arrayBuffer()) };
      } catch (error) {
        this.#renew();
        if (timedOut()) {
          throw new ConsulError(
            'CONSUL_TIMEOUT',
            `Consul at ${this.url} did not answer in ${deadlineMs} ms`,
            {
              remedy: 'see that the Consul agent reaches its servers; a proxy may hold the connection',
              cause: error,
            },
          );
        }
        throw errorOfTransport(error, this.url);
      }
      const text = await decodeBody(response.body, header(response.headers, 'content-encoding'));
      if (response.status !== 200) throw errorOfStatus(response.status, withoutToken(text, token), service);
      return {
        text,
        index: header(response.headers, 'x-consul-index'),
        ageSeconds: readAge(header(response.headers, 'age')),
      };
    });
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  #renew(): void {
    void this.#agent.destroy();
    this.#agent = makeAgent();
  }
}

/** `http://host:port`, with an IPv6 address in brackets. */
export function endpointUrl({ host, port }: Pick<ConsulEndpoint, 'host' | 'port'>): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function makeAgent(): Agent {
  return new Agent({
    connect: { timeout: CONNECT_TIMEOUT_MS },
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxResponseSize: LARGEST_ANSWER_BYTES,
    pipelining: 1,
  });
}

async function decodeBody(body: Buffer, encoding: string | undefined): Promise<string> {
  if (encoding !== 'gzip') return body.toString('utf8');
  try {
    return (await gunzipBounded(body, { maxOutputLength: LARGEST_ANSWER_BYTES })).toString('utf8');
  } catch (cause) {
    throw new ConsulError('CONSUL_ANSWER_UNUSABLE', "Consul's compressed answer cannot be read", {
      remedy: 'a proxy before Consul spoils its answers: connect without it',
      cause,
    });
  }
}

/** A refusal is quoted in errors, and what stands before Consul may repeat the request in it. */
function withoutToken(text: string, token: string | undefined): string {
  return token === undefined ? text : text.replaceAll(token, '<token>');
}

function header(headers: Dispatcher.ResponseData['headers'], name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function readAge(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,9}$/.test(value) ? Number(value) : undefined;
}
