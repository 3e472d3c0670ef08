import type { ConsulError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { missingPermission } from './authorization.ts';
import { type Connection, ConsulConnection } from './connection.ts';
import type { ConsulAccess } from './endpoint.ts';
import { LoginToken } from './login.ts';
import { type Lookup, ServerList } from './servers.ts';
import { fileToken, fixedToken, type TokenSource } from './token.ts';
import { ConsulTransport } from './transport.ts';

/** One Consul datacenter, through any of its servers. */
export interface Consul {
  connect(): Connection;
  /**
   * The error if the token may not have the leaf signed. Receiving a leaf does not show it: it may be cached.
   *
   * @throws ConsulError if Consul does not answer within `deadlineMs` milliseconds
   */
  missingPermission(deadlineMs: number, signal: AbortSignal): Promise<ConsulError | undefined>;
  /** Ends every connection, within `deadlineMs` milliseconds. */
  close(deadlineMs: number): Promise<void>;
}

/** Creates connections to one Consul that share its servers and its token. */
export class ConsulClient implements Consul {
  readonly #access: ConsulAccess;
  readonly #clock: Clock;
  readonly #servers: ServerList;
  readonly #tokens: TokenSource;
  readonly #connections: ConsulConnection[] = [];

  constructor(access: ConsulAccess, clock: Clock, lookup?: Lookup) {
    this.#access = access;
    this.#clock = clock;
    this.#servers = new ServerList(access.servers, lookup);
    this.#tokens = this.#tokenSource();
  }

  connect(): ConsulConnection {
    return this.#connect(this.#tokens);
  }

  /** A connection to the same servers that sends no token. */
  connectAnonymously(): ConsulConnection {
    return this.#connect(fixedToken(undefined));
  }

  async missingPermission(deadlineMs: number, signal: AbortSignal): Promise<ConsulError | undefined> {
    const { service, token } = this.#access;
    return missingPermission(this.connect(), { service, token: token.kind }, deadlineMs, signal);
  }

  /** Ends every connection; a login is logged out first, if that takes no longer than `deadlineMs` milliseconds. */
  async close(deadlineMs: number): Promise<void> {
    await this.#tokens.close(deadlineMs);
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }

  #connect(tokens: TokenSource): ConsulConnection {
    const connection = new ConsulConnection({
      access: this.#access,
      servers: this.#servers,
      tokens,
      clock: this.#clock,
    });
    this.#connections.push(connection);
    return connection;
  }

  #tokenSource(): TokenSource {
    const { token } = this.#access;
    switch (token.kind) {
      case 'none':
        return fixedToken(undefined);
      case 'value':
        return fixedToken(token.token);
      case 'file':
        return fileToken(token.path);
      case 'login':
        return new LoginToken(token, this.#transport(), this.#clock);
    }
  }

  #transport(): ConsulTransport {
    return new ConsulTransport({ ...this.#access, servers: this.#servers, clock: this.#clock });
  }
}
