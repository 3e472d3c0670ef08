import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Daemon } from '../../e2e/support/daemon.ts';
import { binary } from '../../fixtures/servers/binaries.ts';
import { makeKubeconfig } from '../../fixtures/servers/kubectl.ts';
import { startRealConsul } from '../../fixtures/servers/real-consul.ts';
import { startRealKubernetes } from '../../fixtures/servers/real-kubernetes.ts';
import { startAll } from '../../fixtures/servers/start-all.ts';
import { FILES } from '../../unit/docs/pages.ts';
import { mustKubectl, NAMESPACE, SERVICE } from '../world.ts';
import { startPod } from './pod.ts';

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));

/** A preparation may change `env`, the variables of the shell, for the commands that follow. */
export type Stage = Awaited<ReturnType<typeof setUpStage>>;

/** What the commands of the pages need: a clone, a shell, two Consuls and a cluster. */
export async function setUpStage() {
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

  const env: Record<string, string> = {
    PATH: `${programs(folder, cwd)}:${process.env['PATH']}`,
    HOME: folder,
    // The registry of packages, and its cache.
    NPM_CONFIG_USERCONFIG: process.env['NPM_CONFIG_USERCONFIG'] ?? join(homedir(), '.npmrc'),
    NPM_CONFIG_CACHE: process.env['NPM_CONFIG_CACHE'] ?? join(homedir(), '.npm'),
    KUBECONFIG: adminKubeconfig,
    _CONSUL_PORT: String(consul.address.port),
    _HTTP_PORT: '0',
  };

  return {
    /** The clone. */
    cwd,
    env,
    /** No ACLs, plain HTTP. */
    consul,
    /** ACLs that deny by default, HTTPS too. */
    strict,
    kubernetes,
    adminKubeconfig,
    /** The output of the previous command. */
    printed: '',
    /** As the administrator, in the namespace of the gateway. */
    kubectl: (args: readonly string[], stdin?: string) =>
      mustKubectl(kubernetes, ['-n', NAMESPACE, ...args], stdin),
    /** Runs the Pod of the current Deployment, in place of the one that runs, until it is ready. */
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

/** The files of the working tree, without what was built or installed. */
function clone(folder: string): string {
  for (const file of FILES) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    copyFileSync(join(REPOSITORY, file), join(folder, file));
  }
  return folder;
}

/** A folder with the programs that the pages name, including the connector of the clone. */
function programs(folder: string, cwd: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const name of ['CONSUL', 'KUBECTL', 'HELM'] as const)
    symlinkSync(binary(name), join(bin, name.toLowerCase()));
  const script = `#!/bin/sh\nexec node '${cwd}/dist/${SERVICE}.js' "$@"\n`;
  writeFileSync(join(bin, SERVICE), script, { mode: 0o755 });
  return bin;
}
