import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Daemon } from '../../e2e/support/daemon.ts';
import { binary } from '../../fixtures/servers/binaries.ts';
import { makeKubeconfig } from '../../fixtures/servers/kubectl.ts';
import { type RealConsul, startRealConsul } from '../../fixtures/servers/real-consul.ts';
import { type RealKubernetes, startRealKubernetes } from '../../fixtures/servers/real-kubernetes.ts';
import { startAll } from '../../fixtures/servers/start-all.ts';
import { FILES } from '../../unit/docs/pages.ts';
import { mustKubectl, NAMESPACE, SERVICE } from '../world.ts';
import { startPod } from './pod.ts';

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));

/** Where the commands of the pages are typed: a clone, a shell, two Consuls and a cluster. */
export interface Stage {
  /** The clone. */
  readonly cwd: string;
  /** The variables of the shell. A preparation may change them for what follows. */
  readonly env: Record<string, string>;
  /** No ACLs, plain HTTP. */
  readonly consul: RealConsul;
  /** ACLs that deny by default, HTTPS too. */
  readonly strict: RealConsul;
  readonly kubernetes: RealKubernetes;
  readonly adminKubeconfig: string;
  /** The output of the previous command. */
  printed: string;
  /** As the administrator, in the namespace of the gateway. */
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  /** Runs the Pod of the present Deployment, in place of the one that runs, until it is ready. */
  rollOut(consul?: RealConsul['address']): Promise<Daemon>;
  endPod(): Promise<void>;
  stop(): Promise<void>;
}

export async function setUpStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'readme-'));
  const cwd = clone(join(folder, SERVICE));
  const [consul, strict, kubernetes] = await startAll(
    startRealConsul(),
    startRealConsul({ acl: true, tls: {} }),
    startRealKubernetes(),
  );
  const adminKubeconfig = join(folder, 'kubeconfig');
  const { url, caPem, adminToken: token } = kubernetes;
  writeFileSync(adminKubeconfig, makeKubeconfig({ url, caPem, namespace: NAMESPACE, token }));
  let pod: Daemon | undefined;

  async function endPod(): Promise<void> {
    await pod?.stop();
    pod = undefined;
  }

  return {
    cwd,
    env: {
      PATH: `${programs(folder, cwd)}:${process.env['PATH']}`,
      HOME: folder,
      // Where packages come from, and those that are here already.
      NPM_CONFIG_USERCONFIG: process.env['NPM_CONFIG_USERCONFIG'] ?? join(homedir(), '.npmrc'),
      NPM_CONFIG_CACHE: process.env['NPM_CONFIG_CACHE'] ?? join(homedir(), '.npm'),
      KUBECONFIG: adminKubeconfig,
      _CONSUL_PORT: String(consul.address.port),
      _HTTP_PORT: '0',
    },
    consul,
    strict,
    kubernetes,
    adminKubeconfig,
    printed: '',
    kubectl: (args, stdin) => mustKubectl(kubernetes, ['-n', NAMESPACE, ...args], stdin),
    async rollOut({ host, port } = consul.address) {
      await endPod();
      pod = await startPod(kubernetes, folder, { _CONSUL_HOST: host, _CONSUL_PORT: String(port) });
      await pod.ready();
      return pod;
    },
    endPod,
    async stop() {
      await endPod();
      await Promise.all([consul.stop(), strict.stop(), kubernetes.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The files of the repository as they are, the changed ones too, and nothing that was built or installed. */
function clone(folder: string): string {
  for (const file of FILES) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    copyFileSync(join(REPOSITORY, file), join(folder, file));
  }
  return folder;
}

/** A folder with the programs that the pages name, the connector of the clone too. */
function programs(folder: string, cwd: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const name of ['CONSUL', 'KUBECTL', 'HELM'] as const)
    symlinkSync(binary(name), join(bin, name.toLowerCase()));
  const script = `#!/bin/sh\nexec node '${cwd}/dist/${SERVICE}.js' "$@"\n`;
  writeFileSync(join(bin, SERVICE), script, { mode: 0o755 });
  return bin;
}
