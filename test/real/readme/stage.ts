import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Daemon } from '../../e2e/support/daemon.ts';
import { handOutToken } from '../../e2e/support/secrets.ts';
import { binary } from '../../fixtures/servers/binaries.ts';
import { makeKubeconfig } from '../../fixtures/servers/kubectl.ts';
import { type RealConsul, startRealConsul } from '../../fixtures/servers/real-consul.ts';
import { type RealKubernetes, startRealKubernetes } from '../../fixtures/servers/real-kubernetes.ts';
import { startAll } from '../../fixtures/servers/start-all.ts';
import { FILES } from '../../unit/docs/pages.ts';
import { NAMESPACE, SERVICE } from '../world.ts';
import { startPod } from './pod.ts';

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));

type Address = RealConsul['address'];

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
  /** What the command before printed. */
  told: string;
  /** As the administrator, in the namespace of the gateway. */
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  adminKubeconfig: string;
  /** Runs the Pod of the Deployment as it is now, in place of the one that runs, until it is ready. */
  rollOut(consul?: Address): Promise<Daemon>;
  endPod(): Promise<void>;
  stop(): Promise<void>;
}

export async function setUpStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'readme-'));
  const cwd = clone(join(folder, 'ambassador-consul-connector'));
  const [consul, strict, kubernetes] = await startAll(
    startRealConsul(),
    startRealConsul({ acl: true, tls: {} }),
    startRealKubernetes(),
  );
  const adminKubeconfig = join(folder, 'kubeconfig');
  const { url, caPem, adminToken: token } = kubernetes;
  writeFileSync(adminKubeconfig, makeKubeconfig({ url, caPem, namespace: NAMESPACE, token }));
  let pod: Daemon | undefined;

  const stage: Stage = {
    cwd,
    env: shellEnvironment(folder, cwd, consul, adminKubeconfig),
    consul,
    strict,
    kubernetes,
    adminKubeconfig,
    told: '',
    async kubectl(args, stdin) {
      const { code, stdout, stderr } = await kubernetes.kubectl(['-n', NAMESPACE, ...args], stdin);
      assert.equal(code, 0, `kubectl ${args.join(' ')}: ${stderr}`);
      return stdout;
    },
    async rollOut(asked = consul.address) {
      await stage.endPod();
      pod = await startPod({
        folder,
        kubectl: (...args) => stage.kubectl(args),
        tokenFor: async (account) => handOutToken(await kubernetes.tokenFor(NAMESPACE, account)),
        kubeconfigFor: (account) => kubernetes.kubeconfigFor(NAMESPACE, account),
        env: elsewhere(asked),
      });
      await pod.ready();
      return pod;
    },
    async endPod() {
      await pod?.stop();
      pod = undefined;
    },
    async stop() {
      await stage.endPod();
      await Promise.all([consul.stop(), strict.stop(), kubernetes.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return stage;
}

/** The files of the repository as they are, the changed ones too, and nothing that was built or installed. */
function clone(folder: string): string {
  for (const file of FILES) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    copyFileSync(join(REPOSITORY, file), join(folder, file));
  }
  return folder;
}

function shellEnvironment(
  folder: string,
  cwd: string,
  consul: RealConsul,
  kubeconfig: string,
): Record<string, string> {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(binary('CONSUL'), join(bin, 'consul'));
  symlinkSync(binary('KUBECTL'), join(bin, 'kubectl'));
  symlinkSync(binary('HELM'), join(bin, 'helm'));
  const program = join(bin, SERVICE);
  writeFileSync(program, `#!/bin/sh\nexec node '${cwd}/dist/${SERVICE}.js' "$@"\n`);
  chmodSync(program, 0o755);
  return {
    PATH: `${bin}:${process.env['PATH']}`,
    HOME: folder,
    // Where packages come from, and those that are here already.
    NPM_CONFIG_USERCONFIG: process.env['NPM_CONFIG_USERCONFIG'] ?? join(homedir(), '.npmrc'),
    NPM_CONFIG_CACHE: process.env['NPM_CONFIG_CACHE'] ?? join(homedir(), '.npm'),
    KUBECONFIG: kubeconfig,
    _CONSUL_PORT: String(consul.address.port),
    _HTTP_PORT: '0',
  };
}

/** What the names and ports of a real cluster are here. */
function elsewhere({ host, port }: Address): Record<string, string> {
  return { _CONSUL_HOST: host, _CONSUL_PORT: String(port) };
}
