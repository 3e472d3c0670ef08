import { isIP } from 'node:net';
import { lookupAll } from '../lib/thread-pool.ts';
import type { ConsulServer } from './endpoint.ts';

/** One server to connect to; `ip` is the chosen address of a name. */
export interface ChosenServer {
  readonly server: ConsulServer;
  readonly ip: string | undefined;
}

export type Lookup = (host: string) => Promise<readonly { address: string }[]>;

/**
 * The servers of one Consul. One is used until it fails: each has its own cache of leaves, so a needless move makes Consul sign
 * another one. Shared by all connections, so that they move together.
 */
export class ServerList {
  readonly #servers: readonly ConsulServer[];
  readonly #lookup: Lookup;
  /** The current server first, then those not tried since the names were last resolved. */
  #candidates: readonly ChosenServer[] = [];
  #resolving: Promise<readonly ChosenServer[]> | undefined;
  #hasAnswered = false;

  constructor(servers: readonly ConsulServer[], lookup: Lookup = lookupAll) {
    this.#servers = servers;
    this.#lookup = lookup;
  }

  /** @throws the resolver's error if no name resolves */
  async current(): Promise<ChosenServer> {
    const [current] = this.#candidates;
    if (current !== undefined) return current;
    this.#resolving ??= this.#resolve().finally(() => {
      this.#resolving = undefined;
    });
    const candidates = await this.#resolving;
    if (this.#candidates.length === 0) this.#candidates = candidates;
    const [first] = candidates;
    if (first === undefined) throw new Error('there is no address of Consul');
    return first;
  }

  /** The server of the next request, unless a name must be resolved first. */
  get next(): ChosenServer | undefined {
    return this.#candidates[0];
  }

  /** Whether any server has ever answered. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  answered(): void {
    this.#hasAnswered = true;
  }

  /** Moves on from `failed`, unless another connection already has. After the last server the names are resolved again. */
  failed(failed: ChosenServer): void {
    const [current, ...others] = this.#candidates;
    if (current === failed) this.#candidates = others;
  }

  async #resolve(): Promise<readonly ChosenServer[]> {
    const answers = await Promise.allSettled(this.#servers.map((server) => this.#expand(server)));
    const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    const failure = answers.find((answer) => answer.status === 'rejected');
    if (found.length === 0 && failure !== undefined) throw failure.reason;
    return found;
  }

  async #expand(server: ConsulServer): Promise<ChosenServer[]> {
    if ('socketPath' in server || isIP(server.host) !== 0) return [{ server, ip: undefined }];
    const addresses = await this.#lookup(server.host);
    return addresses.map(({ address }) => ({ server, ip: address }));
  }
}
