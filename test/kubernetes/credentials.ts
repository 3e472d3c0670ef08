import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';

const SERVICE_ACCOUNT = 'var/run/secrets/kubernetes.io/serviceaccount';

export interface KubeconfigOptions {
  namespace?: string;
  /**
   * `token` in the file itself (default); `token-file` by the key `tokenFile` that kubectl knows and the `token-file` that
   * client-node knows (and reads once); `auth-provider` in the form client-node re-reads, which kubectl refuses.
   */
  credentials?: 'token' | 'token-file' | 'auth-provider';
  /** Through which the server is to be reached. */
  proxyUrl?: string;
}

/** The files by which a client finds the server, in a temporary folder that `remove` deletes. */
export class CredentialFiles {
  readonly #folder = mkdtempSync(join(tmpdir(), 'kubernetes-double-'));
  readonly #tokenFiles = new Set<string>();
  #count = 0;

  kubeconfig(server: string, caPem: string, token: string, options: KubeconfigOptions): string {
    const { namespace, credentials = 'token', proxyUrl } = options;
    const tokenFile = join(this.#folder, 'token');
    const users = {
      token: { token },
      'token-file': { tokenFile, 'token-file': tokenFile },
      'auth-provider': { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } },
    };
    if (credentials !== 'token') {
      this.#writeToken(tokenFile, token);
    }
    this.#count += 1;
    const path = join(this.#folder, `kubeconfig-${this.#count}.yaml`);
    const cluster = {
      server,
      'certificate-authority-data': Buffer.from(caPem).toString('base64'),
      ...(proxyUrl === undefined ? {} : { 'proxy-url': proxyUrl }),
    };
    const context = { cluster: 'double', user: 'double', ...(namespace === undefined ? {} : { namespace }) };
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'double',
      clusters: [{ name: 'double', cluster }],
      users: [{ name: 'double', user: users[credentials] }],
      contexts: [{ name: 'double', context }],
    };
    writeFileSync(path, stringify(config), { mode: 0o600 });
    return path;
  }

  /** A folder laid out like a Pod's root: `loadFromCluster(pathPrefix)` of client-node reads below it. */
  inCluster(caPem: string, token: string, namespace: string): string {
    const folder = join(this.#folder, `pod-${namespace}`);
    const account = join(folder, SERVICE_ACCOUNT);
    mkdirSync(account, { recursive: true });
    writeFileSync(join(account, 'ca.crt'), caPem);
    writeFileSync(join(account, 'namespace'), namespace);
    this.#writeToken(join(account, 'token'), token);
    return folder;
  }

  /** By rename, as the kubelet swaps them: no reader sees half a token. */
  writeTokens(token: string): void {
    for (const path of this.#tokenFiles) {
      this.#writeToken(path, token);
    }
  }

  removeTokens(): void {
    for (const path of this.#tokenFiles) {
      rmSync(path, { force: true });
    }
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #writeToken(path: string, token: string): void {
    const next = join(dirname(path), '..token-new');
    writeFileSync(next, token, { mode: 0o600 });
    renameSync(next, path);
    this.#tokenFiles.add(path);
  }
}
