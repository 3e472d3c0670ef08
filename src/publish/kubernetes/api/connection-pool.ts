import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import { countedLookup } from '../../../lib/thread-pool.ts';

export interface TlsOptions {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly servername: string | undefined;
  readonly rejectUnauthorized: boolean | undefined;
}

const KEEP_ALIVE_MS = 45_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** A watch is silent for minutes, so TCP keep-alive checks the peer: after this time Node.js probes each second, ten times. */
const TCP_KEEP_ALIVE_MS = 15_000;

/** The connections to the API server, replaced when the TLS options or the proxy change. */
export class ConnectionPool {
  #current: { agent: Dispatcher; key: string } | undefined;

  agentFor(tls: TlsOptions, proxy: string | undefined): Dispatcher {
    const key = JSON.stringify([proxy, tls]);
    if (this.#current?.key === key) return this.#current.agent;
    const previous = this.#current?.agent;
    const agent = createAgent(tls, proxy);
    this.#current = { agent, key };
    // Watches on the old connections end by themselves and restart on new ones.
    void previous?.close();
    return agent;
  }

  async close(): Promise<void> {
    await this.#current?.agent.destroy();
  }
}

function createAgent(tls: TlsOptions, proxy: string | undefined): Dispatcher {
  const given = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
  const socket = {
    timeout: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
    lookup: countedLookup,
  };
  const connect = { ...socket, ...given };
  if (proxy === undefined) return new Agent({ keepAliveTimeout: KEEP_ALIVE_MS, connect });
  return new ProxyAgent({
    keepAliveTimeout: KEEP_ALIVE_MS,
    uri: proxy,
    requestTls: connect,
    proxyTls: socket,
  });
}
