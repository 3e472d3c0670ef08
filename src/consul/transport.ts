import { isIP, type LookupFunction } from 'node:net';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { ConsulError } from '../errors.ts';
import { type Clock, withDeadline } from '../lib/clock.ts';
import { type ConsulTlsConfig, serverUrl } from './endpoint.ts';
import { errorOfTransport, noAnswerInTime } from './errors/transport.ts';
import type { ChosenServer, ServerList } from './servers.ts';
import { type LoadedTls, loadTls } from './tls.ts';

export interface ConsulRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** With its query. */
  readonly path: string;
  readonly token: string | undefined;
  readonly body?: unknown;
  /** Milliseconds for the whole answer, its body included. */
  readonly deadlineMs: number;
}

export interface ConsulResponse {
  readonly status: number;
  /** The body as text, gunzipped if it came so. */
  readonly text: string;
  header(name: string): string | undefined;
}

const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 5_000;
/** Below the 60 s after which common load balancers drop an idle connection. */
const KEEP_ALIVE_MS = 45_000;
/** Part of the 429 of a 1.16 server: `limits.request_limits` apply to each server separately. */
const WANTS_ANOTHER_SERVER = /against a different server/i;

const gunzipBounded = promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip);

/**
 * Sends requests to one server of Consul at a time, over a connection of its own. A redirect is never followed, so a
 * token goes nowhere but to a configured server.
 */
export class ConsulTransport {
  readonly #servers: ServerList;
  readonly #tls: ConsulTlsConfig | undefined;
  readonly #clock: Clock;
  #pool: { agent: Agent; key: string } | undefined;

  constructor(servers: ServerList, tls: ConsulTlsConfig | undefined, clock: Clock) {
    this.#servers = servers;
    this.#tls = tls;
    this.#clock = clock;
  }

  /**
   * Whatever the status, the answer; 500 and above also moves on to the next server, as does a 429 that asks for it.
   *
   * @throws ConsulError when there is no whole answer in time; the next request then uses a new connection, to the next
   *   server where there are several
   */
  async send(message: ConsulRequest, parent: AbortSignal): Promise<ConsulResponse> {
    const tls = await loadTls(this.#tls);
    return withDeadline(this.#clock, message.deadlineMs, parent, async (signal, timedOut) => {
      let chosen: ChosenServer | undefined;
      try {
        chosen = await this.#servers.current();
        const { statusCode, headers, body } = await this.#request(chosen, tls, message, signal);
        const bytes = Buffer.from(await body.arrayBuffer());
        if (statusCode >= 500) this.#servers.failed(chosen);
        const header = (name: string): string | undefined => [headers[name]].flat()[0];
        const text = await decodeBody(bytes, header('content-encoding'));
        if (statusCode === 429 && WANTS_ANOTHER_SERVER.test(text)) this.#servers.failed(chosen);
        return { status: statusCode, text, header };
      } catch (error) {
        if (parent.aborted || error instanceof ConsulError) throw error;
        this.#renew();
        if (chosen !== undefined) this.#servers.failed(chosen);
        const url = chosen === undefined ? 'its address' : serverUrl(chosen.server, this.#tls);
        if (!timedOut()) throw errorOfTransport(error, url, this.#tls !== undefined);
        throw noAnswerInTime(url, message.deadlineMs, error);
      }
    });
  }

  async close(): Promise<void> {
    await this.#pool?.agent.destroy();
  }

  #request(
    chosen: ChosenServer,
    tls: LoadedTls | undefined,
    { method, path, token, body }: ConsulRequest,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const { server } = chosen;
    const origin =
      'socketPath' in server
        ? `${this.#tls === undefined ? 'http' : 'https'}://localhost`
        : serverUrl(server, this.#tls);
    return this.#agentFor(chosen, tls).request({
      origin,
      path,
      method,
      signal,
      // Consul blocks longer than undici's 300 s; the deadline is the one bound.
      headersTimeout: 0,
      bodyTimeout: 0,
      headers: {
        ...(token === undefined ? {} : { 'x-consul-token': token }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** An Agent is for one server and one set of TLS files: another of either needs a new one. */
  #agentFor({ server, ip }: ChosenServer, tls: LoadedTls | undefined): Agent {
    const key = JSON.stringify([server, ip, tls?.fingerprint]);
    if (this.#pool?.key === key) return this.#pool.agent;
    void this.#pool?.agent.close();
    const agent = new Agent({
      connect: keepingFirstError(
        buildConnector({
          ...tls?.options,
          ...('socketPath' in server ? { socketPath: server.socketPath } : {}),
          ...(ip === undefined ? {} : { lookup: always(ip) }),
          timeout: CONNECT_TIMEOUT_MS,
        }),
      ),
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxResponseSize: MAX_ANSWER_BYTES,
    });
    this.#pool = { agent, key };
    return agent;
  }

  #renew(): void {
    void this.#pool?.agent.destroy();
    this.#pool = undefined;
  }
}

/**
 * In TLS 1.3 a server refuses the client certificate after the handshake. undici then replaces the alert by "other side
 * closed", unless the socket ends with the alert.
 */
function keepingFirstError(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) =>
    connect(options, (...outcome) => {
      const [, socket] = outcome;
      socket?.once('error', (error) => socket.destroy(error));
      callback(...outcome);
    });
}

/** Keeps the name for TLS and the Host header, and connects to the one address that was chosen for it. */
function always(ip: string): LookupFunction {
  return (_host, options, callback) => {
    const family = isIP(ip);
    if (options.all === true) callback(null, [{ address: ip, family }]);
    else callback(null, ip, family);
  };
}

async function decodeBody(body: Buffer, encoding: string | undefined): Promise<string> {
  if (encoding !== 'gzip') return body.toString('utf8');
  try {
    return (await gunzipBounded(body, { maxOutputLength: MAX_ANSWER_BYTES })).toString('utf8');
  } catch (cause) {
    throw new ConsulError('CONSUL_INVALID_RESPONSE', "Consul's compressed answer cannot be read", {
      remedy: 'a proxy before Consul spoils its answers: connect without it',
      cause,
    });
  }
}
