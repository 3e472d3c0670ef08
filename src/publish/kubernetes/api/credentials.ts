import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { KubeConfig } from '@kubernetes/client-node';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import { PublishError } from '../../../errors.ts';

const KEEP_ALIVE_MS = 45_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** A watch is silent for minutes, so the kernel asks whether its peer is still there: Node.js then probes each second, ten times. */
const TCP_KEEP_ALIVE_MS = 15_000;
const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

/**
 * Who we are to the API server: the KubeConfig (in-cluster, KUBECONFIG or ~/.kube/config) and one connection pool made
 * with its TLS files. `reload` reads everything anew: client-node keeps a token file's content for 60 s.
 */
export class Credentials {
  readonly #load: () => KubeConfig;
  #config: KubeConfig;
  #pool: { agent: Dispatcher; key: string } | undefined;

  constructor(load: () => KubeConfig = loadKubeConfig) {
    this.#load = load;
    this.#config = load();
  }

  /** The API server's address without a final slash. */
  get server(): string {
    return serverOf(this.#config);
  }

  /** The namespace of the context, if it has one; in a Pod that of the Pod. */
  get namespace(): string | undefined {
    return this.#config.getContextObject(this.#config.currentContext)?.namespace;
  }

  /**
   * The headers and connection pool for one request.
   *
   * @throws PublishError KUBERNETES_CONFIGURATION when a token, key or CA file cannot be read just now
   */
  async authorize(): Promise<{ headers: Record<string, string>; agent: Dispatcher }> {
    const options: Parameters<KubeConfig['applyToHTTPSOptions']>[0] = {};
    try {
      await this.#config.applyToHTTPSOptions(options);
    } catch (cause) {
      throw new PublishError('KUBERNETES_CONFIGURATION', 'the credentials for Kubernetes cannot be read', {
        remedy:
          'see that the ServiceAccount token (or the files the kubeconfig names) is mounted and readable',
        cause,
      });
    }
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(options.headers ?? {})) headers[name] = String(value);
    if (typeof options.auth === 'string') {
      headers['Authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
    }
    return { headers, agent: this.#agentFor(options) };
  }

  /** Reads token and TLS files anew; an unreadable configuration leaves the old one in use. */
  reload(): void {
    try {
      this.#config = this.#load();
    } catch {
      // The next request with the old one says what is wrong.
    }
  }

  async close(): Promise<void> {
    await this.#pool?.agent.destroy();
  }

  /** TLS files are read when an Agent is made, so new ones need a new Agent, and so does another proxy. */
  #agentFor({ ca, cert, key, servername, rejectUnauthorized }: ConnectionOptions): Dispatcher {
    const proxy = proxyOf(this.#config);
    const id = JSON.stringify([proxy, ...[ca, cert, key, servername, rejectUnauthorized].map(String)]);
    if (this.#pool?.key === id) return this.#pool.agent;
    const previous = this.#pool?.agent;
    const connect = {
      timeout: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(servername === undefined ? {} : { servername }),
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    };
    const agent =
      proxy === undefined
        ? new Agent({ keepAliveTimeout: KEEP_ALIVE_MS, connect })
        : new ProxyAgent({ keepAliveTimeout: KEEP_ALIVE_MS, uri: proxy, requestTls: connect });
    this.#pool = { agent, key: id };
    // Watches on the old connections end by themselves and start again on the new ones.
    void previous?.close();
    return agent;
  }
}

/**
 * Loads the KubeConfig the way kubectl does.
 *
 * @throws PublishError KUBERNETES_CONFIGURATION when there is none: client-node would fall back to localhost:8080; or when
 *   it asks for a SOCKS proxy
 */
export function loadKubeConfig(): KubeConfig {
  const config = new KubeConfig();
  try {
    config.loadFromDefault();
  } catch (cause) {
    throw noConfiguration(cause);
  }
  if (/^http:\/\/localhost:8080\/?$/.test(serverOf(config))) throw noConfiguration();
  if (proxyOf(config)?.startsWith('socks') === true) {
    throw new PublishError('KUBERNETES_CONFIGURATION', 'the kubeconfig asks for a SOCKS proxy', {
      remedy: 'let its proxy-url name an HTTP proxy, or remove it and reach the API server directly',
    });
  }
  return config;
}

/** The namespace of the Pod this runs in, if it runs in one. */
export function podNamespace(): string | undefined {
  try {
    return readFileSync(NAMESPACE_FILE, 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

function serverOf(config: KubeConfig): string {
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw noConfiguration();
  return server.replace(/\/+$/, '');
}

function proxyOf(config: KubeConfig): string | undefined {
  return config.getCurrentCluster()?.proxyUrl || undefined;
}

function noConfiguration(cause?: unknown): PublishError {
  return new PublishError('KUBERNETES_CONFIGURATION', 'no configuration for Kubernetes was found', {
    remedy:
      'run in a Pod with a ServiceAccount token, set KUBECONFIG, or set _OUTPUT_DIR to publish into a folder instead',
    cause,
  });
}
