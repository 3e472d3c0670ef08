import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Daemon, startDaemon } from '../../e2e/support/daemon.ts';
import type { RealKubernetes } from '../../fixtures/servers/real-kubernetes.ts';
import { containerOf, type PodSpec, podSpecOf, type Variable, variablesOf } from '../pod-spec.ts';
import { mustKubectl, NAMESPACE, SERVICE } from '../world.ts';

const TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/**
 * Starts the program as the kubelet would, of which there is none here: with the variables, the mounted Secrets and the
 * ServiceAccount of the Deployment as it is in the API server.
 *
 * @param env in place of what only a cluster has: the DNS names, and Consul's usual ports
 */
export async function startPod(
  kubernetes: RealKubernetes,
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<Daemon> {
  const get = async (kind: string, name: string) =>
    JSON.parse(await mustKubectl(kubernetes, ['-n', NAMESPACE, 'get', kind, name, '-o', 'json']));
  const pod: PodSpec = podSpecOf(await get('deployment', SERVICE));
  const container = containerOf(pod);
  const token = await kubernetes.tokenFor(NAMESPACE, pod.serviceAccountName);
  const root = mkdtempSync(join(folder, 'pod-'));
  const write = (path: string, content: string | Buffer): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content, { mode: 0o600 });
  };
  write(TOKEN, token);
  for (const { name, mountPath } of container.volumeMounts ?? []) {
    const { projected, secret } = pod.volumes?.find((each) => each.name === name) ?? {};
    for (const { serviceAccountToken } of projected?.sources ?? [])
      write(join(mountPath, serviceAccountToken.path), token);
    if (secret === undefined) continue;
    const { data } = await get('secret', secret.secretName);
    for (const [key, value] of Object.entries<string>(data))
      write(join(mountPath, key), Buffer.from(value, 'base64'));
  }
  const inPod = (value: string): string => (value.startsWith('/') ? join(root, value) : value);
  return startDaemon({
    CONSUL_LOGIN_BEARER_TOKEN_FILE: inPod(TOKEN),
    ...Object.fromEntries(variablesOf(container).map((each) => [each.name, inPod(textOf(each))])),
    ...env,
    KUBECONFIG: await kubernetes.kubeconfigFor(NAMESPACE, pod.serviceAccountName),
  });
}

function textOf({ name, value, valueFrom }: Variable): string {
  if (value !== undefined) return value;
  if (valueFrom?.fieldRef?.fieldPath === 'status.hostIP') return '127.0.0.1';
  throw new Error(`${name}: unexpected kind of value`);
}
