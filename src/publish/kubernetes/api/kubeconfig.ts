import { homedir } from 'node:os';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { PublishError, systemCode } from '../../../errors.ts';
import { readText } from '../../../lib/read-text.ts';
import { isRecord } from '../../../lib/record.ts';

// Warnings and pretty errors would quote the line, which may contain a token.
const YAML_OPTIONS = { merge: true, logLevel: 'error', prettyErrors: false } as const;
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Loads the KubeConfig as kubectl does: KUBECONFIG, ~/.kube/config, or the ServiceAccount of a Pod. client-node would read the
 * files without a deadline, and fall back to localhost:8080 without any.
 *
 * @throws PublishError KUBERNETES_CONFIGURATION
 */
export async function loadKubeConfig(): Promise<KubeConfig> {
  const [first, ...others] = (process.env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  if (first !== undefined) {
    const config = fromText(await readNamed(first), first);
    for (const path of others) config.mergeConfig(fromText(await readNamed(path), path));
    return usable(config);
  }
  const home = join(homedir(), '.kube', 'config');
  const text = await readIfThere(home);
  if (text !== undefined) return usable(fromText(text, home));
  if (!(await isThere(`${SERVICE_ACCOUNT}/token`))) throw noConfiguration();
  // client-node reads this file too; this first read has a deadline.
  await podNamespace();
  const config = new KubeConfig();
  config.loadFromCluster();
  return usable(config);
}

/**
 * The namespace of the Pod, if the process runs in one.
 *
 * @throws PublishError KUBERNETES_CONFIGURATION if the file exists and cannot be read in time
 */
export async function podNamespace(): Promise<string | undefined> {
  return (await readIfThere(`${SERVICE_ACCOUNT}/namespace`))?.trim() || undefined;
}

/** @throws PublishError KUBERNETES_CONFIGURATION if the context names no cluster */
export function clusterOf(config: KubeConfig): NonNullable<ReturnType<KubeConfig['getCurrentCluster']>> {
  return config.getCurrentCluster() ?? raiseNoConfiguration();
}

function usable(config: KubeConfig): KubeConfig {
  if (URL.canParse(clusterOf(config).server)) return config;
  throw new PublishError('KUBERNETES_CONFIGURATION', 'the server of the kubeconfig is not a URL', {
    remedy: 'set it to https://host:port; Node.js accepts an IPv6 address only without a zone',
  });
}

/** @param path the file of `text`: relative paths in it start from its folder */
function fromText(text: string, path: string): KubeConfig {
  const config = new KubeConfig();
  try {
    config.loadFromString(JSON.stringify(withTokenFilesKept(parse(text, YAML_OPTIONS), dirname(path))));
    config.makePathsAbsolute(dirname(path));
  } catch (cause) {
    throw noConfiguration(cause);
  }
  return config;
}

/**
 * Turns a token file into an auth provider of client-node, which would read `token-file` only once, at the start, and does not
 * support kubectl's `tokenFile`.
 */
function withTokenFilesKept(kubeconfig: unknown, folder: string): unknown {
  const users: unknown = isRecord(kubeconfig) ? kubeconfig['users'] : undefined;
  if (!isRecord(kubeconfig) || !Array.isArray(users)) return kubeconfig;
  const kept = users.map((entry: unknown) => {
    const user = isRecord(entry) ? entry['user'] : undefined;
    if (!isRecord(entry) || !isRecord(user)) return entry;
    const { tokenFile: byKubectl, 'token-file': byClientNode, ...rest } = user;
    const path = byKubectl ?? byClientNode;
    if (typeof path !== 'string' || rest['token'] !== undefined) return { ...entry, user: rest };
    const tokenFile = isAbsolute(path) ? path : join(folder, path);
    return { ...entry, user: { ...rest, 'auth-provider': { name: 'tokenFile', config: { tokenFile } } } };
  });
  return { ...kubeconfig, users: kept };
}

/** Undefined if there is no such file for this user. */
async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readText(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(systemCode(error) ?? '')) return undefined;
    throw unreadable(path, error);
  }
}

/** True for a file that cannot be read now: the request that needs it reports the error. */
async function isThere(path: string): Promise<boolean> {
  return readIfThere(path).then(
    (text) => text !== undefined,
    () => true,
  );
}

async function readNamed(path: string): Promise<string> {
  try {
    return await readText(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, cause: unknown): PublishError {
  return new PublishError(
    'KUBERNETES_CONFIGURATION',
    `no configuration for Kubernetes was found: ${path} cannot be read (${systemCode(cause) ?? 'unknown'})`,
    { remedy: NO_CONFIGURATION_REMEDY, cause },
  );
}

const NO_CONFIGURATION_REMEDY =
  'run in a Pod with a ServiceAccount token, set KUBECONFIG, or set _OUTPUT_DIR to publish into a folder instead';

function noConfiguration(cause?: unknown): PublishError {
  return new PublishError('KUBERNETES_CONFIGURATION', 'no configuration for Kubernetes was found', {
    remedy: NO_CONFIGURATION_REMEDY,
    cause,
  });
}

function raiseNoConfiguration(): never {
  throw noConfiguration();
}
