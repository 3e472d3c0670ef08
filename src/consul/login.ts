import { ConsulError, systemCode } from '../errors.ts';
import { type Clock, withDeadline } from '../lib/clock.ts';
import { orAborted } from '../lib/or-aborted.ts';
import { readText } from '../lib/read-text.ts';
import { TOKEN_PATH } from './authorization.ts';
import type { LoginConfig } from './endpoint.ts';
import { errorOfLogin } from './errors/login.ts';
import { isDenied, isTokenUnknown } from './errors/status.ts';
import { parseObject } from './json.ts';
import { withoutSecrets } from './secrets.ts';
import type { TokenSource } from './token.ts';
import type { ConsulResponse, ConsulTransport } from './transport.ts';

/** A token from a login. */
interface Session {
  readonly token: string;
  /** When to log in again and when the token expires, in milliseconds of the monotonic clock; infinite if it does not expire. */
  readonly renewAt: number;
  readonly expiresAt: number;
}

const LOGIN_PATH = '/v1/acl/login';
const LOGOUT_PATH = '/v1/acl/logout';
const DEADLINE_MS = 10_000;
/** A new token reaches each server and agent a moment after the login. */
const VISIBLE_WITHIN_MS = 10_000;
const LOOK_AGAIN_MS = 200;
/** The share of a token's lifetime after which another is obtained. */
const RENEW_AFTER = 0.8;

/**
 * Logs in with a bearer token (`POST /v1/acl/login`), again when Consul refuses the token or before it expires, and logs out at the
 * end. Both polls share one login.
 */
export class LoginToken implements TokenSource {
  readonly kind = 'login';
  readonly #login: LoginConfig;
  readonly #transport: ConsulTransport;
  readonly #clock: Clock;
  /** Aborts at close. All polls share a login, so an interrupted poll must not abort it. */
  readonly #end = new AbortController();
  #session: Session | undefined;
  #pending: Promise<Session> | undefined;

  constructor(login: LoginConfig, transport: ConsulTransport, clock: Clock) {
    this.#login = login;
    this.#transport = transport;
    this.#clock = clock;
  }

  async current(signal: AbortSignal): Promise<string> {
    const session = this.#session;
    if (session !== undefined && this.#clock.monotonic() < session.renewAt) return session.token;
    this.#pending ??= this.#renew(session).finally(() => {
      this.#pending = undefined;
    });
    try {
      return (await orAborted(this.#pending, signal)).token;
    } catch (error) {
      // After a failed login a token that is still valid is used; the next request logs in again.
      const isGood =
        session !== undefined && session === this.#session && this.#clock.monotonic() < session.expiresAt;
      if (!isGood || signal.aborted) throw error;
      return session.token;
    }
  }

  /**
   * A token that Consul no longer has is replaced at once. One that lacks a permission is logged out, so that the next attempt,
   * after the backoff, logs in under the current binding rules.
   */
  async refused(token: string | undefined, text: string, signal: AbortSignal): Promise<boolean> {
    const unknown = isTokenUnknown(text);
    if (token === undefined || this.#session?.token !== token) return unknown;
    this.#session = undefined;
    if (!unknown) await this.#logout(token, DEADLINE_MS, signal);
    return unknown;
  }

  async close(deadlineMs: number): Promise<void> {
    this.#end.abort();
    await withDeadline(this.#clock, deadlineMs, new AbortController().signal, async (signal) => {
      // A pending login logs out the token that it may have obtained.
      if (this.#pending !== undefined) await orAborted(this.#pending, signal).catch(() => undefined);
      const session = this.#session;
      this.#session = undefined;
      if (session !== undefined) await this.#logout(session.token, deadlineMs, signal);
    });
    await this.#transport.close();
  }

  async #renew(previous: Session | undefined): Promise<Session> {
    const { signal } = this.#end;
    const { authMethod, bearerTokenFile, meta } = this.#login;
    const bearer = await readBearerToken(bearerTokenFile, this.#clock);
    const body = { AuthMethod: authMethod, BearerToken: bearer, Meta: meta };
    const response = await this.#send('POST', LOGIN_PATH, undefined, DEADLINE_MS, signal, body);
    if (response.status !== 200) {
      throw errorOfLogin(response.status, withoutSecrets(response.text, [bearer]), authMethod);
    }
    const session = readSession(response.text, this.#clock);
    try {
      await this.#untilVisible(session.token, signal);
    } catch (error) {
      // Otherwise each attempt would leave one more token behind.
      await this.#logout(session.token, DEADLINE_MS, new AbortController().signal);
      throw error;
    }
    this.#session = session;
    if (previous !== undefined) await this.#logout(previous.token, DEADLINE_MS, signal);
    return session;
  }

  async #untilVisible(token: string, signal: AbortSignal): Promise<void> {
    const deadline = this.#clock.monotonic() + VISIBLE_WITHIN_MS;
    while (!signal.aborted && this.#clock.monotonic() < deadline) {
      const { status, text } = await this.#send('GET', TOKEN_PATH, token, DEADLINE_MS, signal);
      if (status === 200) return;
      if (!isDenied(status, text)) throw errorOfLogin(status, text, this.#login.authMethod);
      await this.#clock.sleep(LOOK_AGAIN_MS, signal);
    }
    throw new ConsulError(
      'CONSUL_LOGIN_FAILED',
      `the token of the login is not visible after ${VISIBLE_WITHIN_MS} ms`,
      {
        remedy: 'check that the ACL replication of Consul works: GET /v1/acl/replication',
      },
    );
  }

  /** A token that cannot be logged out now expires by itself, or remains in `consul acl token list`. */
  async #logout(token: string, deadlineMs: number, signal: AbortSignal): Promise<void> {
    await this.#send('POST', LOGOUT_PATH, token, deadlineMs, signal).catch(() => undefined);
  }

  #send(
    method: 'GET' | 'POST',
    path: string,
    token: string | undefined,
    deadlineMs: number,
    signal: AbortSignal,
    body?: object,
  ): Promise<ConsulResponse> {
    const { datacenter, namespace, partition } = this.#login;
    const query = new URLSearchParams();
    // The token must be visible where it is used, not where it was created.
    if (datacenter !== undefined && path !== TOKEN_PATH) query.set('dc', datacenter);
    if (namespace !== undefined) query.set('ns', namespace);
    if (partition !== undefined) query.set('partition', partition);
    const scope = query.size === 0 ? '' : `?${query}`;
    return this.#transport.send({ method, path: path + scope, token, deadlineMs, body }, signal);
  }
}

/** Read for each login: the kubelet replaces the token before it expires. */
async function readBearerToken(path: string, clock: Clock): Promise<string> {
  let bearer: string;
  try {
    bearer = (await readText(path, clock)).trim();
  } catch (cause) {
    const code = systemCode(cause) ?? 'unknown';
    throw new ConsulError('CONSUL_LOGIN_FAILED', `the bearer token file ${path} cannot be read (${code})`, {
      remedy: 'mount the ServiceAccount token, or set CONSUL_LOGIN_BEARER_TOKEN_FILE to where it is',
      cause,
    });
  }
  if (bearer === '') {
    throw new ConsulError('CONSUL_LOGIN_FAILED', `the bearer token file ${path} is empty`, {
      remedy: 'mount the ServiceAccount token, or set CONSUL_LOGIN_BEARER_TOKEN_FILE to where it is',
    });
  }
  return bearer;
}

/** Consul's two times are only compared with each other, because its clock may differ from ours. */
function readSession(text: string, clock: Clock): Session {
  const answer = parseObject(text, 'login');
  const { SecretID: token, CreateTime: created, ExpirationTime: expires } = answer;
  if (typeof token !== 'string' || token === '') {
    throw new ConsulError('CONSUL_INVALID_RESPONSE', "Consul's answer to the login contains no token", {
      remedy: 'check that _CONSUL_HOST and _CONSUL_PORT lead to Consul itself and not to a proxy',
    });
  }
  const lifetimeMs = timeOf(expires) - timeOf(created);
  // Without a known expiry, the token is used until Consul refuses it.
  if (!(lifetimeMs > 0))
    return { token, expiresAt: Number.POSITIVE_INFINITY, renewAt: Number.POSITIVE_INFINITY };
  const now = clock.monotonic();
  return { token, expiresAt: now + lifetimeMs, renewAt: now + lifetimeMs * RENEW_AFTER };
}

/** Milliseconds since the epoch by Consul's clock; NaN if there is none. */
function timeOf(value: unknown): number {
  return typeof value === 'string' ? Date.parse(value) : Number.NaN;
}
