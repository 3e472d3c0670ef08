import type { Clock } from '../lib/clock.ts';
import { type ConsulAccess, scopeQuery } from './endpoint.ts';
import { errorOfStatus, isDenied } from './errors/status.ts';
import type { ServerList } from './servers.ts';
import type { TokenSource } from './token.ts';
import { type ConsulResponse, ConsulTransport } from './transport.ts';

export interface ConsulAnswer {
  readonly text: string;
  /** `X-Consul-Index`, undecoded. */
  readonly index: string | undefined;
  /** Seconds since the answer was fetched from a server, where an agent says so: above 0 it may be stale. */
  readonly ageSeconds: number | undefined;
}

/** One way to ask Consul, for one long poll. */
export interface Connection {
  /** GETs `path` within `deadlineMs` milliseconds, whole body included. @throws ConsulError */
  get(path: string, query: URLSearchParams, deadlineMs: number, signal: AbortSignal): Promise<ConsulAnswer>;
}

export interface ConnectionOptions {
  readonly access: ConsulAccess;
  readonly servers: ServerList;
  readonly tokens: TokenSource;
  readonly clock: Clock;
}

/**
 * One connection to Consul, for one long poll: a request queued behind another obeys neither its deadline nor its
 * signal in undici, so polls do not share one.
 */
export class ConsulConnection implements Connection {
  readonly #options: ConnectionOptions;
  readonly #transport: ConsulTransport;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#transport = new ConsulTransport(options.servers, options.access.tls, options.clock);
  }

  /**
   * GETs `path` with the token and the scope within `deadlineMs` milliseconds, whole body included. Where the token is
   * refused and another can be had, asks once more with that.
   *
   * @throws ConsulError
   */
  async get(
    path: string,
    query: URLSearchParams,
    deadlineMs: number,
    signal: AbortSignal,
  ): Promise<ConsulAnswer> {
    const { access, tokens } = this.#options;
    const all = new URLSearchParams([...scopeQuery(access.scope), ...query]);
    const send = async (): Promise<{ response: ConsulResponse; token: string | undefined }> => {
      const token = await tokens.current(signal);
      const message = { method: 'GET', path: `${path}?${all}`, token, deadlineMs } as const;
      return { response: await this.#transport.send(message, signal), token };
    };
    let { response, token } = await send();
    if (isDenied(response.status, response.text) && (await tokens.refused(token, response.text, signal))) {
      ({ response, token } = await send());
    }
    if (response.status !== 200) {
      const text = withoutToken(response.text, token);
      throw errorOfStatus(response.status, text, { service: access.service, token: tokens.kind });
    }
    return {
      text: response.text,
      index: response.header('x-consul-index'),
      ageSeconds: readAge(response.header('age')),
    };
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }
}

/** A refusal is quoted in errors, and what stands before Consul may repeat the request in it. */
function withoutToken(text: string, token: string | undefined): string {
  return token === undefined ? text : text.replaceAll(token, '<token>');
}

function readAge(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,9}$/.test(value) ? Number(value) : undefined;
}
