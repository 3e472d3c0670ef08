import { searchAtTheEnd } from '../e2e/support/secrets.ts';
import type { DenyRule } from './access.ts';
import { Access } from './access.ts';
import { ClusterByHand } from './by-hand.ts';
import { createServerIdentity } from './certificates.ts';
import type { KubeconfigOptions } from './credentials.ts';
import { CredentialFiles } from './credentials.ts';
import { handle } from './handler.ts';
import { Listener } from './listener.ts';
import type { Kind } from './objects.ts';
import type { OperationOptions } from './operations.ts';
import { Operations } from './operations.ts';
import type { LoggedRequest, Matcher, Response } from './scripts.ts';
import { Scripts } from './scripts.ts';
import { Watches } from './watches.ts';

export interface KubernetesDoubleOptions extends Partial<OperationOptions> {
  namespaces?: readonly string[];
  /** Served besides the core, as `group/version`. */
  groups?: readonly string[];
  /** Who the token stands for, in messages. */
  user?: string;
  /** How many times as fast as the machine's the time of watches runs. Default 1. */
  speed?: number;
}

/** A write through the API that changed an object; what tests do by `put`, `edit` and `remove` is not in it. */
export interface LoggedWrite {
  at: number;
  verb: string;
  kind: Kind;
  namespace: string;
  name: string;
  manager: string;
}

/** A Kubernetes API server for tests: true to the real one where a client of Secrets and Services can tell the difference. */
export class KubernetesDouble extends ClusterByHand {
  readonly caPem: string;
  readonly requests: LoggedRequest[] = [];
  readonly writeLog: LoggedWrite[] = [];
  readonly watches: Watches;
  /** May be replaced at any time, for a cluster on which Ambassador's resources are installed later. */
  groups: readonly string[];
  readonly #scripts = new Scripts();
  readonly #files = new CredentialFiles();
  readonly #access: Access;
  readonly #listener: Listener;

  constructor(options: KubernetesDoubleOptions) {
    super();
    const identity = createServerIdentity();
    const account = 'system:serviceaccount:ambassador:ambassador-consul-connector';
    this.caPem = identity.caPem;
    this.groups = options.groups ?? ['getambassador.io/v2'];
    this.watches = new Watches(this.store, options.speed);
    this.#access = new Access(options.user ?? account);
    const { applyToMissingVersion = 'create' } = options;
    const operations = new Operations(this.store, this.#access, { applyToMissingVersion });
    this.#listener = new Listener(identity, (request, response) => {
      void handle(
        {
          access: this.#access,
          operations,
          watches: this.watches,
          scripts: this.#scripts,
          listener: this.#listener,
          groups: () => this.groups,
          log: (entry) => this.requests.push(entry),
          wrote: ({ verb, resource, namespace }, name, manager) =>
            this.writeLog.push({ at: Date.now(), verb, kind: resource.kind, namespace, name, manager }),
        },
        request,
        response,
      );
    });
    // What clients wrote: all objects but the data of Secrets, and the addresses and names of the requests.
    searchAtTheEnd(this, 'what was sent to the Kubernetes double', () =>
      JSON.stringify([
        (['Secret', 'Service', 'Event'] as const).flatMap((kind) =>
          this.list(kind).map(({ data: _, ...object }) => object),
        ),
        this.requests.map(({ path, query, userAgent }) => [path, String(query), userAgent]),
      ]),
    );
    for (const namespace of options.namespaces ?? ['ambassador']) {
      this.setNamespace(namespace, 'Active');
    }
  }

  get url(): string {
    return `https://127.0.0.1:${this.#listener.port}`;
  }

  get token(): string {
    return this.#access.token;
  }

  /** TLS connections made so far. */
  get connections(): number {
    return this.#listener.connections;
  }

  /** How often a client changed an object. Without a kind: all but Events, which are reports and no state. */
  writes(kind?: Kind): number {
    return this.writeLog.filter((write) =>
      kind === undefined ? write.kind !== 'Event' : write.kind === kind,
    ).length;
  }

  kubeconfigFile(options: KubeconfigOptions = {}): string {
    return this.#files.kubeconfig(this.url, this.caPem, this.token, options);
  }

  /** A Pod's view: the folder to prefix its mount paths with, and the variables of its environment. */
  inClusterDirectory(namespace = 'ambassador'): { directory: string; env: Record<string, string> } {
    return {
      directory: this.#files.inCluster(this.caPem, this.token, namespace),
      env: {
        KUBERNETES_SERVICE_HOST: '127.0.0.1',
        KUBERNETES_SERVICE_PORT: String(this.#listener.port),
      },
    };
  }

  /** The old token is 401 from now on. Token files handed out get the new one, stay stale, or vanish. */
  rotateToken(files: 'write' | 'keep' | 'remove' = 'write'): string {
    const token = this.#access.rotate();
    if (files === 'remove') {
      this.#files.removeTokens();
    } else if (files === 'write') {
      this.#files.writeTokens(token);
    }
    return token;
  }

  /** Puts the valid token into the token files, after `rotateToken('keep')` or `('remove')`. */
  writeTokenFiles(): void {
    this.#files.writeTokens(this.token);
  }

  deny(rule: DenyRule): void {
    this.#access.deny(rule);
  }

  allow(rule?: DenyRule): void {
    this.#access.allow(rule);
  }

  script(matcher: Matcher, response: Response, times?: number): () => void {
    return this.#scripts.add(matcher, response, times);
  }

  clearScripts(): void {
    this.#scripts.clear();
  }

  /** Down: all connections end at once, new ones are refused. The objects stay. */
  stop(): Promise<void> {
    return this.#listener.stop();
  }

  /** Up again, on the same port. */
  start(): Promise<void> {
    return this.#listener.start();
  }

  async close(): Promise<void> {
    await this.stop();
    this.#files.remove();
  }
}

/** A running double on a free port of 127.0.0.1; `close` it when done. */
export async function startKubernetesDouble(
  options: KubernetesDoubleOptions = {},
): Promise<KubernetesDouble> {
  const double = new KubernetesDouble(options);
  await double.start();
  return double;
}
