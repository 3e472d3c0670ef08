import type { Clock } from '../lib/clock.ts';
import { orAborted } from '../lib/or-aborted.ts';
import { type ConsulAccess, scopeQuery } from './endpoint.ts';
import { errorOfStatus, isDenied } from './errors/status.ts';
import type { ServerList } from './servers.ts';
import type { TokenSource } from './token.ts';
import { type ConsulRequest, ConsulTransport } from './transport.ts';

export interface ConsulAnswer {
  readonly text: string;
  /** `X-Consul-Index`, undecoded. */
  readonly index: string | undefined;
  /** `Age`, undecoded. */
  readonly age: string | undefined;
}

/** A connection to Consul for one long poll. */
export interface Connection {
  /** GETs `path` within `deadlineMs` milliseconds, body included. @throws ConsulError */
  get(path: string, query: URLSearchParams, deadlineMs: number, signal: AbortSignal): Promise<ConsulAnswer>;
  /**
   * GETs `path` from one server after another until one answers, each within `deadlineMs` milliseconds; `onFailure` is
   * called for each server that failed before.
   *
   * @throws ConsulError of the last server
   */
  getFromAny(
    path: string,
    deadlineMs: number,
    signal: AbortSignal,
    onFailure?: (error: unknown) => void,
  ): Promise<ConsulAnswer>;
}

export interface ConnectionOptions {
  readonly access: ConsulAccess;
  readonly servers: ServerList;
  readonly tokens: TokenSource;
  readonly clock: Clock;
}

/**
 * One connection to Consul for one long poll. Polls do not share connections: in undici a request queued behind another obeys
 * neither its deadline nor its signal.
 */
export class ConsulConnection implements Connection {
  readonly #options: ConnectionOptions;
  readonly #transport: ConsulTransport;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { access, servers, clock } = options;
    this.#transport = new ConsulTransport({ ...access, servers, clock });
  }

  /**
   * GETs `path` with the token and the scope within `deadlineMs` milliseconds, body included. If the token is refused and another
   * one is available, retries once with that.
   *
   * @throws ConsulError
   */
  async get(
    path: string,
    query: URLSearchParams,
    deadlineMs: number,
    signal: AbortSignal,
  ): Promise<ConsulAnswer> {
    const all = new URLSearchParams([...scopeQuery(this.#options.access.scope), ...query]);
    return this.#exchange({ method: 'GET', path: `${path}?${all}`, deadlineMs }, signal);
  }

  /** POSTs `body` as JSON to `path`, as `get` does. @throws ConsulError */
  async post(path: string, body: unknown, deadlineMs: number, signal: AbortSignal): Promise<ConsulAnswer> {
    return this.#exchange({ method: 'POST', path, body, deadlineMs }, signal);
  }

  async #exchange(message: Omit<ConsulRequest, 'token'>, signal: AbortSignal): Promise<ConsulAnswer> {
    const { access, tokens } = this.#options;
    const token = await orAborted(tokens.current(signal), signal);
    let response = await this.#transport.send({ ...message, token }, signal);
    if (isDenied(response.status, response.text) && (await tokens.refused(token, response.text, signal))) {
      response = await this.#transport.send({ ...message, token: await tokens.current(signal) }, signal);
    }
    if (response.status !== 200) {
      throw errorOfStatus(response.status, response.text, { service: access.service, token: tokens.kind });
    }
    return {
      text: response.text,
      index: response.header('x-consul-index'),
      age: response.header('age'),
    };
  }

  async getFromAny(
    path: string,
    deadlineMs: number,
    signal: AbortSignal,
    onFailure: (error: unknown) => void = () => undefined,
  ): Promise<ConsulAnswer> {
    const { servers } = this.#options;
    for (;;) {
      // If the name does not resolve, the request reports it.
      const server = await servers.current().catch(() => undefined);
      try {
        return await this.get(path, new URLSearchParams(), deadlineMs, signal);
      } catch (error) {
        const { next } = servers;
        if (signal.aborted || next === undefined || next === server) throw error;
        onFailure(error);
      }
    }
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }
}
