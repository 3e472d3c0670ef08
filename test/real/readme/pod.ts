import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Daemon, startDaemon } from '../../e2e/support/daemon.ts';
import { variablesOf } from '../pod-spec.ts';
import { SERVICE } from '../world.ts';

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly fieldRef?: { readonly fieldPath: string };
  };
}

/** A volume of the kinds that the manifests have. */
interface Volume {
  readonly name: string;
  readonly secret?: { readonly secretName: string };
  readonly projected?: {
    readonly sources: readonly { readonly serviceAccountToken: { readonly path: string } }[];
  };
}

interface PodSpec {
  readonly serviceAccountName: string;
  readonly containers: readonly {
    readonly env: readonly Variable[];
    readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  }[];
  readonly volumes?: readonly Volume[];
}

/** What a Pod finds around it. */
export interface Node {
  readonly folder: string;
  kubectl(...args: string[]): Promise<string>;
  tokenFor(serviceAccount: string): Promise<string>;
  kubeconfigFor(serviceAccount: string): Promise<string>;
  /** In place of what only a cluster has: the DNS names, and Consul's usual ports. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Does the kubelet's work, of which there is none here: the program, with the variables, the mounted Secrets and the
 * ServiceAccount of the Deployment as it is in the API server.
 */
export async function startPod(node: Node): Promise<Daemon> {
  const text = await node.kubectl('get', 'deployment', SERVICE, '-o', 'json');
  const deployment: { spec: { template: { spec: PodSpec } } } = JSON.parse(text);
  const { serviceAccountName, containers, volumes = [] } = deployment.spec.template.spec;
  const [{ env, volumeMounts = [] } = { env: [] }] = containers;
  const token = await node.tokenFor(serviceAccountName);
  const root = mkdtempSync(join(node.folder, 'pod-'));
  const write = (path: string, content: string | Buffer): void => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), content, { mode: 0o600 });
  };
  write('/var/run/secrets/kubernetes.io/serviceaccount/token', token);
  for (const { name, mountPath } of volumeMounts) {
    const volume = volumes.find((each) => each.name === name);
    for (const { serviceAccountToken } of volume?.projected?.sources ?? [])
      write(join(mountPath, serviceAccountToken.path), token);
    if (volume?.secret === undefined) continue;
    const secret = JSON.parse(await node.kubectl('get', 'secret', volume.secret.secretName, '-o', 'json'));
    for (const [key, value] of Object.entries<string>(secret.data))
      write(join(mountPath, key), Buffer.from(value, 'base64'));
  }
  const inPod = (value: string): string => (value.startsWith('/') ? join(root, value) : value);
  return startDaemon({
    CONSUL_LOGIN_BEARER_TOKEN_FILE: inPod('/var/run/secrets/kubernetes.io/serviceaccount/token'),
    ...Object.fromEntries(variablesOf({ env }).map((variable) => [variable.name, inPod(resolve(variable))])),
    ...node.env,
    KUBECONFIG: await node.kubeconfigFor(serviceAccountName),
  });
}

function resolve({ name, value, valueFrom }: Variable): string {
  if (value !== undefined) return value;
  if (valueFrom?.fieldRef?.fieldPath === 'status.hostIP') return '127.0.0.1';
  throw new Error(`${name}: a value of a kind that no manifest had so far`);
}
