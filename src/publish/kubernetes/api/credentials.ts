import type { KubeConfig } from '@kubernetes/client-node';
import type { Dispatcher } from 'undici';
import { PublishError, systemCode } from '../../../errors.ts';
import type { Clock } from '../../../lib/clock.ts';
import { foreignText } from '../../../lib/foreign-text.ts';
import { type Insecurity, isLoopback } from '../../../lib/insecurity.ts';
import { readKeyPair } from '../../../lib/key-pair.ts';
import { orAborted } from '../../../lib/or-aborted.ts';
import { readText } from '../../../lib/read-text.ts';
import { isRecord } from '../../../lib/record.ts';
import { ConnectionPool, type TlsOptions } from './connection-pool.ts';
import { decodeExec, ExecPlugin } from './exec-plugin.ts';
import { clusterOf, loadKubeConfig } from './kubeconfig.ts';
import { proxyFromEnvironment } from './proxy.ts';

type User = NonNullable<ReturnType<KubeConfig['getCurrentUser']>>;
type Load = () => KubeConfig | Promise<KubeConfig>;

/** No TLS. */
const PLAIN: TlsOptions = {
  ca: undefined,
  cert: undefined,
  key: undefined,
  servername: undefined,
  rejectUnauthorized: undefined,
};

/** The credential of a kubeconfig user. */
interface UserCredential {
  readonly authorization?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/**
 * The credentials for the API server: the KubeConfig (in-cluster, KUBECONFIG or ~/.kube/config) and one connection pool with its
 * TLS files. Files are read for each request; `reload` also rereads the KubeConfig.
 */
export class Credentials {
  readonly #load: Load;
  readonly #clock: Clock;
  readonly #pool = new ConnectionPool();
  #config: KubeConfig;
  #plugin: ExecPlugin | undefined;

  private constructor(config: KubeConfig, load: Load, clock: Clock) {
    this.#config = config;
    this.#load = load;
    this.#clock = clock;
    // Reports a SOCKS proxy at the start.
    this.#proxy();
  }

  /** @throws PublishError KUBERNETES_CONFIGURATION if there is no configuration, or it requires a SOCKS proxy */
  static async create(clock: Clock, load: Load = loadKubeConfig): Promise<Credentials> {
    return new Credentials(await load(), load, clock);
  }

  /** The API server's address without a final slash. */
  get server(): string {
    return clusterOf(this.#config).server.replace(/\/+$/, '');
  }

  /** What others on the network path can read or change. Over plain HTTP no credential is sent, but the key of the leaf is. */
  get insecurity(): Insecurity | undefined {
    const { protocol, hostname } = new URL(this.server);
    if (protocol === 'http:') {
      if (isLoopback(hostname)) return undefined;
      return {
        warning: `plain HTTP to ${this.server}: anyone on the network path can read the published key`,
        remedy: 'set the server of the kubeconfig to https://, or to a kubectl proxy on this machine',
      };
    }
    if (!clusterOf(this.#config).skipTLSVerify) return undefined;
    return {
      warning: `TLS verification of ${this.server} is disabled: anyone on the network path can read the credentials and the key`,
      remedy: 'set certificate-authority in the kubeconfig instead of insecure-skip-tls-verify',
    };
  }

  /** The namespace of the context, if it has one; in a Pod that of the Pod. */
  get namespace(): string | undefined {
    return this.#config.getContextObject(this.#config.currentContext)?.namespace;
  }

  /**
   * The headers and connection pool for one request. Always ends when `signal` aborts. As in kubectl, no credential is sent over
   * plain HTTP: `kubectl proxy` has its own credentials, and others could read ours.
   *
   * @throws PublishError KUBERNETES_CONFIGURATION if a token, key or CA file cannot be read now, or the plugin of the kubeconfig
   *   returns no credential
   */
  async authorize(signal: AbortSignal): Promise<{ headers: Record<string, string>; agent: Dispatcher }> {
    const { protocol, host, hostname } = new URL(this.server);
    // The final dot of a name is only for the resolver: no certificate has it, and Go refuses it in SNI (RFC 6066 section 3).
    const isDotted = hostname.endsWith('.');
    const name = isDotted ? { host: host.replace(/\.(?=:|$)/, '') } : {};
    if (protocol === 'http:') return { headers: name, agent: this.#pool.agentFor(PLAIN, this.#proxy()) };
    const cluster = clusterOf(this.#config);
    const user = this.#config.getCurrentUser() ?? { name: '' };
    const readPair = async () => {
      const [cert, key] = await Promise.all([
        this.#pem(user.certFile, user.certData, signal),
        this.#pem(user.keyFile, user.keyData, signal),
      ]);
      return { cert, key };
    };
    const [ca, { cert, key }, credential] = await Promise.all([
      this.#pem(cluster.caFile, cluster.caData, signal),
      readKeyPair(readPair, this.#clock, signal),
      this.#credentialOf(user, signal),
    ]);
    const tls: TlsOptions = {
      ca,
      cert: credential.cert ?? cert,
      key: credential.key ?? key,
      servername: cluster.tlsServerName ?? (isDotted ? hostname.slice(0, -1) : undefined),
      rejectUnauthorized: cluster.skipTLSVerify ? false : undefined,
    };
    const { authorization } = credential;
    return {
      headers: {
        ...name,
        ...(authorization === undefined ? {} : { Authorization: authorization }),
        ...(user.impersonateUser ? { 'Impersonate-User': user.impersonateUser } : {}),
      },
      agent: this.#pool.agentFor(tls, this.#proxy()),
    };
  }

  /** Rereads the KubeConfig; if that fails, the old one stays in use. */
  async reload(): Promise<void> {
    try {
      this.#config = await this.#load();
      this.#plugin = undefined;
    } catch {
      // The next request with the old one reports the error.
    }
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #credentialOf(user: User, signal: AbortSignal): Promise<UserCredential> {
    if (user.token) return { authorization: `Bearer ${user.token}` };
    if (user.username) return { authorization: `Basic ${base64(`${user.username}:${user.password ?? ''}`)}` };
    const provider = isRecord(user.authProvider) ? user.authProvider : undefined;
    const settings = isRecord(provider?.['config']) ? provider['config'] : {};
    const exec: unknown = user.exec ?? settings['exec'];
    if (isRecord(exec)) return this.#fromPlugin(exec, signal);
    const { tokenFile } = settings;
    if (typeof tokenFile === 'string')
      return { authorization: `Bearer ${(await this.#file(tokenFile, signal)).trim()}` };
    if (provider !== undefined) throw unsupportedProvider(provider['name']);
    return {};
  }

  async #fromPlugin(exec: unknown, signal: AbortSignal): Promise<UserCredential> {
    try {
      this.#plugin ??= new ExecPlugin(decodeExec(exec), this.#clock);
      const { token, clientCertificate, clientKey } = await this.#plugin.credential(signal);
      const authorization = token === undefined ? undefined : `Bearer ${token}`;
      return { authorization, cert: clientCertificate, key: clientKey };
    } catch (cause) {
      throw errorOfPlugin(this.#plugin?.command ?? '', signal, cause);
    }
  }

  async #pem(
    file: string | undefined,
    data: string | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    if (file) return this.#file(file, signal);
    return data ? Buffer.from(data, 'base64').toString('utf8') : undefined;
  }

  async #file(path: string, signal: AbortSignal): Promise<string> {
    try {
      return await orAborted(readText(path, this.#clock), signal);
    } catch (cause) {
      const code = signal.aborted ? 'ETIMEDOUT' : (systemCode(cause) ?? 'unknown');
      throw unreadable(`: ${path} (${code})`, cause);
    }
  }

  /** @throws PublishError KUBERNETES_CONFIGURATION for a SOCKS proxy or an invalid URL */
  #proxy(): string | undefined {
    const { proxyUrl } = clusterOf(this.#config);
    const proxy = proxyUrl || proxyFromEnvironment(this.server, process.env);
    if (proxy === undefined) return undefined;
    if (/^https?:/i.test(schemeOf(proxy))) return withoutPath(proxy);
    const where = proxyUrl ? 'the kubeconfig' : 'the environment';
    const what = proxy.startsWith('socks') ? 'a SOCKS proxy' : 'a proxy without an HTTP URL';
    throw new PublishError('KUBERNETES_CONFIGURATION', `${where} requires ${what}`, {
      remedy: proxyUrl
        ? 'set its proxy-url to an HTTP proxy, or remove it and reach the API server directly'
        : 'set HTTPS_PROXY to an HTTP proxy, or add the API server to NO_PROXY',
    });
  }
}

/** The address of a proxy is an origin: as in Go, a path after it is ignored, which undici would reject. */
function withoutPath(proxy: string): string {
  const url = new URL(proxy);
  url.pathname = '';
  url.search = '';
  url.hash = '';
  return url.href;
}

function schemeOf(url: string): string {
  return URL.canParse(url) ? new URL(url).protocol : '';
}

/** Built-in OpenID Connect, and the cloud providers' authentication before plugins, which kubectl removed in 1.26. */
function unsupportedProvider(name: unknown): PublishError {
  return new PublishError(
    'KUBERNETES_CONFIGURATION',
    `the auth-provider ${foreignText(String(name))} of the kubeconfig is not supported`,
    {
      remedy:
        'use a credential plugin, users[].user.exec, such as kubelogin; or the token of a ServiceAccount: kubectl create token',
    },
  );
}

function unreadable(what: string, cause: unknown): PublishError {
  return new PublishError(
    'KUBERNETES_CONFIGURATION',
    `the credentials for Kubernetes cannot be read${what}`,
    {
      remedy: 'check that the ServiceAccount token, or each file in the kubeconfig, is mounted and readable',
      cause,
    },
  );
}

function errorOfPlugin(command: string, signal: AbortSignal, cause: unknown): PublishError {
  const text = cause instanceof Error ? cause.message : String(cause);
  const problem = signal.aborted ? 'does not answer' : `failed: ${foreignText(text)}`;
  return new PublishError(
    'KUBERNETES_CONFIGURATION',
    `the credential plugin ${command} of the kubeconfig ${problem}`,
    {
      remedy:
        systemCode(cause) === 'ERR_ACCESS_DENIED'
          ? 'the permission model of Node.js denies it: add --allow-child-process to NODE_OPTIONS'
          : 'run it by hand as in the kubeconfig to see its error, or what it waits for: a login, or its network',
      cause,
    },
  );
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
