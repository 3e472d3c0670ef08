import { Agent, buildConnector, type Dispatcher } from 'undici';
import { ConsulError } from '../errors.ts';
import { type Clock, withDeadline } from '../lib/clock.ts';
import { orAborted } from '../lib/or-aborted.ts';
import { readBody } from './body.ts';
import { CA_PATH, ROOTS_PATH } from './connect-ca.ts';
import { type ConsulAccess, requestOrigin, serverUrl } from './endpoint.ts';
import { errorOfTransport, noAnswerInTime } from './errors/transport.ts';
import { InterimResponses } from './interim-responses.ts';
import { basicCredentials, secretsOf, withoutSecrets } from './secrets.ts';
import type { ChosenServer, ServerList } from './servers.ts';
import { type LoadedTls, loadTls } from './tls.ts';

export interface ConsulRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** With its query. */
  readonly path: string;
  readonly token: string | undefined;
  readonly body?: unknown;
  /** Milliseconds for the complete answer, body included. */
  readonly deadlineMs: number;
}

export interface ConsulResponse {
  readonly status: number;
  /** The body as text, gunzipped if necessary. Without our own secrets unless the status is 200. */
  readonly text: string;
  header(name: string): string | undefined;
}

export interface TransportOptions extends Pick<ConsulAccess, 'tls' | 'httpAuth' | 'inPod'> {
  readonly servers: ServerList;
  readonly clock: Clock;
}

/** Three hundred of Consul's roots take 420 kB with their names and times. */
const MAX_ROOTS_BYTES = 512 * 1024;
/** A leaf of 4 kB below three RSA-4096 intermediates with its key, or any other answer. */
const MAX_OTHER_BYTES = 64 * 1024;
const CONNECT_TIMEOUT_MS = 5_000;
/** A resolver tries a second DNS server after five seconds. */
const RESOLVE_DEADLINE_MS = 10_000;
/** Less than the 60 s after which common load balancers drop an idle connection. */
const KEEP_ALIVE_MS = 45_000;

/**
 * Sends requests to one Consul server at a time, over its own connection. Redirects are never followed, so that a token is only
 * sent to a configured server.
 */
export class ConsulTransport {
  readonly #options: TransportOptions;
  readonly #interim = new InterimResponses();
  #pool: { agent: Agent; key: string } | undefined;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /**
   * Returns the answer with any status. If another server may answer better, the next request goes to the next server.
   *
   * @throws ConsulError if there is no complete answer in time; the next request then uses a new connection, to the next server
   *   if there are several
   */
  async send(message: ConsulRequest, parent: AbortSignal): Promise<ConsulResponse> {
    const { servers, clock, httpAuth } = this.#options;
    const tls = await orAborted(loadTls(this.#options.tls), parent);
    return withDeadline(clock, message.deadlineMs, parent, async (signal, timedOut) => {
      let chosen: ChosenServer | undefined;
      try {
        chosen = await this.#resolve(signal);
        const {
          statusCode: status,
          headers,
          body,
        } = await orAborted(this.#request(chosen, tls, message, signal), signal);
        servers.answered();
        if (isForAnotherServer(status, message.path)) servers.failed(chosen);
        const header = (name: string): string | undefined => [headers[name]].flat()[0];
        const text = await readBody(
          status,
          body,
          header('content-encoding'),
          maxBytesOf(message.path),
          parent,
        );
        if (status === 200) return { status, text, header };
        return { status, text: withoutSecrets(text, [message.token, ...secretsOf(httpAuth)]), header };
      } catch (error) {
        if (parent.aborted || error instanceof ConsulError) throw error;
        this.#renew();
        if (chosen !== undefined) servers.failed(chosen);
        throw this.#errorOf(error, chosen, timedOut() ? message.deadlineMs : undefined);
      }
    });
  }

  async close(): Promise<void> {
    await this.#pool?.agent.destroy();
  }

  #errorOf(error: unknown, chosen: ChosenServer | undefined, timedOutMs: number | undefined): ConsulError {
    const { tls, inPod, servers } = this.#options;
    const url = chosen === undefined ? 'its address' : serverUrl(chosen.server, tls);
    const isUnresolved = chosen === undefined && timedOutMs !== undefined;
    if (timedOutMs !== undefined && !isUnresolved) return noAnswerInTime(url, timedOutMs, error);
    const cause = isUnresolved ? unresolved(error) : error;
    return errorOfTransport(cause, { url, tls: tls !== undefined, inPod, hasAnswered: servers.hasAnswered });
  }

  #resolve(parent: AbortSignal): Promise<ChosenServer> {
    const { clock, servers } = this.#options;
    return withDeadline(clock, RESOLVE_DEADLINE_MS, parent, async (signal, timedOut) => {
      try {
        return await orAborted(servers.current(), signal);
      } catch (error) {
        throw timedOut() ? unresolved(error) : error;
      }
    });
  }

  #request(
    chosen: ChosenServer,
    tls: LoadedTls | undefined,
    { method, path, token, body }: ConsulRequest,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const { server } = chosen;
    const { httpAuth } = this.#options;
    this.#interim.expectResponse();
    return this.#agentFor(chosen, tls).request({
      origin: requestOrigin(server, this.#options.tls),
      path: 'host' in server ? (server.pathPrefix ?? '') + path : path,
      method,
      signal,
      // Consul blocks longer than undici's default of 300 s; the deadline of the request applies.
      headersTimeout: 0,
      bodyTimeout: 0,
      headers: {
        ...(httpAuth === undefined ? {} : { authorization: `Basic ${basicCredentials(httpAuth)}` }),
        ...(token === undefined ? {} : { 'x-consul-token': token }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** An Agent is for one server and one set of TLS files; any change needs a new one. */
  #agentFor({ server, ip }: ChosenServer, tls: LoadedTls | undefined): Agent {
    const key = JSON.stringify([server, ip, tls?.fingerprint]);
    if (this.#pool?.key === key) return this.#pool.agent;
    void this.#pool?.agent.close();
    const options = { ...tls?.options, timeout: CONNECT_TIMEOUT_MS };
    const connect =
      'socketPath' in server
        ? buildConnector({ ...options, socketPath: server.socketPath })
        : connectorTo(ip ?? server.host, buildConnector(options));
    // undici frees a connection a moment after its answer; without this limit the next request could open a second one.
    const agent = new Agent({
      connect: this.#prepared(connect),
      keepAliveTimeout: KEEP_ALIVE_MS,
      connections: 1,
    });
    this.#pool = { agent, key };
    return agent;
  }

  /**
   * In TLS 1.3 a server refuses the client certificate after the handshake. undici then replaces the alert with "other side
   * closed", unless the socket is destroyed with the alert.
   */
  #prepared(connect: buildConnector.connector): buildConnector.connector {
    return (options, callback) =>
      connect(options, (...outcome) => {
        const [failure, socket] = outcome;
        if (failure === null && socket !== null) {
          socket.once('error', (error) => socket.destroy(error));
          this.#interim.hideIn(socket);
        }
        callback(...outcome);
      });
  }

  #renew(): void {
    void this.#pool?.agent.destroy();
    this.#pool = undefined;
  }
}

/** The limit of an answer: a larger one does not come from Consul, and must not fill the memory. */
function maxBytesOf(path: string): number {
  return path.startsWith(ROOTS_PATH) ? MAX_ROOTS_BYTES : MAX_OTHER_BYTES;
}

/**
 * Whether another server may answer better: 5xx; 429, which Consul defines as "retry elsewhere"; and answers that Consul with
 * Connect never gives, because another program may have taken its address.
 */
function isForAnotherServer(status: number, path: string): boolean {
  const isNoConsul = (status >= 300 && status < 400) || (status === 404 && path.startsWith(CA_PATH));
  return status >= 500 || status === 429 || isNoConsul;
}

/** The system's resolver may take a minute to give up. */
function unresolved(cause: unknown): Error {
  return Object.assign(new Error('the name is not resolved yet', { cause }), { code: 'EAI_AGAIN' });
}

/** Keeps the name for TLS and the Host header, and connects to its chosen address. */
function connectorTo(hostname: string, connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) => connect({ ...options, hostname }, callback);
}
