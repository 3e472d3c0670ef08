import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { binary } from './binaries.ts';

export interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param home a folder for kubectl's caches, so that it touches nothing of the person at the keyboard. */
export function makeKubectl(kubeconfigFile: string, home: string) {
  return async (args: readonly string[], stdin = ''): Promise<KubectlResult> => {
    const child = spawn(binary('KUBECTL'), [`--kubeconfig=${kubeconfigFile}`, ...args], {
      env: { ...process.env, HOME: home, KUBECONFIG: kubeconfigFile },
    });
    const exit = once(child, 'close');
    // It may exit before it has read all that it was given.
    child.stdin.on('error', () => {});
    child.stdin.end(stdin);
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
    return { code: child.exitCode ?? -1, stdout, stderr };
  };
}

export interface KubeconfigParts {
  readonly url: string;
  readonly caPem: string;
  readonly namespace: string;
  readonly token: string;
}

/** A kubeconfig with everything inside; JSON is YAML. */
export function makeKubeconfig({ url, caPem, namespace, token }: KubeconfigParts): string {
  const ca = Buffer.from(caPem).toString('base64');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority-data': ca } }],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace } }],
    'current-context': 'test',
  });
}
