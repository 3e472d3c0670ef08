import { watch } from 'node:fs';
import { mkdtemp, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CURRENT } from '../../src/publish/directory/atomic-set.ts';
import { inNamespace } from '../../test/real/manifests.ts';
import { CA_SECRET, mustKubectl, NAMESPACE, type OwnWorld, SECRET, SERVICE } from '../../test/real/world.ts';

/** One way to publish beside that of the main subject, with a connector of its own. */
export interface Publication {
  readonly environment: Readonly<Record<string, string>>;
  /** Two connectors may share Secrets, but not a folder. */
  readonly allowsReplicas: boolean;
  /** When something was written, in milliseconds since the epoch. */
  writes(): Promise<readonly number[]>;
  stop(): Promise<void>;
}

export interface FolderPublication extends Publication {
  readonly directory: string;
  /** The published certificate, once there is one. */
  certificate(): Promise<string | undefined>;
}

/** Where the connector publishes that does not verify the upstream, which is the default. */
export const DEFAULT_NAMESPACE = `${NAMESPACE}-default`;

/** A write of one of the two Secrets. */
export interface Write {
  readonly of: 'identity' | 'bundle';
  /** In milliseconds since the epoch. */
  readonly at: number;
}

/** The writes of both Secrets in one namespace; there is one with the bundle only where the upstream is verified. */
export async function secretWrites(world: OwnWorld, namespace: string): Promise<readonly Write[]> {
  const [identity, bundle] = await Promise.all([
    world.writes('secrets', SECRET),
    world.writes('secrets', CA_SECRET),
  ]);
  const here = (write: { readonly namespace: string }) => write.namespace === namespace;
  return [
    ...identity.filter(here).map(({ at }) => ({ of: 'identity' as const, at })),
    // The audit log names no object of a create, so it is among the writes of both.
    ...bundle
      .filter((write) => here(write) && write.verb !== 'create')
      .map(({ at }) => ({ of: 'bundle' as const, at })),
  ];
}

/** A connector without `_AMBASSADOR_VERIFY_UPSTREAM`, in a namespace of its own. */
export async function publishByDefault(world: OwnWorld): Promise<Publication> {
  const { kubernetes } = world;
  const manifest = inNamespace(await readFile(world.manifest, 'utf8'), DEFAULT_NAMESPACE);
  await mustKubectl(kubernetes, ['create', 'namespace', DEFAULT_NAMESPACE]);
  await mustKubectl(kubernetes, ['apply', '-f', '-'], manifest);
  return {
    environment: {
      ...(await world.environment()),
      KUBECONFIG: await kubernetes.kubeconfigFor(DEFAULT_NAMESPACE, SERVICE),
    },
    allowsReplicas: true,
    writes: async () => (await secretWrites(world, DEFAULT_NAMESPACE)).map(({ at }) => at),
    stop: async () => undefined,
  };
}

/** A connector that publishes to files. */
export async function publishToFolder(world: OwnWorld): Promise<FolderPublication> {
  const { KUBECONFIG: _, ...environment } = await world.environment();
  const directory = await mkdtemp(join(tmpdir(), 'published-'));
  const writes: number[] = [];
  // Each set has a name of its own, and the first read may be the last to end.
  const sets = new Set<string>();
  const watcher = watch(directory, async () => {
    const at = Date.now();
    const set = await readlink(join(directory, CURRENT)).catch(() => undefined);
    if (set === undefined || sets.has(set)) return;
    sets.add(set);
    writes.push(at);
  });
  return {
    directory,
    environment: { ...environment, _OUTPUT_DIR: directory, _OUTPUT_EXTRA_FILES: 'envoy' },
    allowsReplicas: false,
    writes: async () => writes,
    certificate: () => readFile(join(directory, 'tls.crt'), 'utf8').catch(() => undefined),
    async stop() {
      watcher.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
