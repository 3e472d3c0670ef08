import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Bed } from './bed.ts';
import { temporary } from './temporary.ts';

/** A pipe at `path` that no process writes to: opening it never returns. */
export function makeSilentPipe(path: string): string {
  execFileSync('mkfifo', [path]);
  return path;
}

/** A copy of a kubeconfig, changed by `change`. */
export function changedKubeconfig(
  original: string,
  change: (parts: { user: Record<string, unknown>; cluster: Record<string, unknown> }) => void,
): string {
  const config = parse(readFileSync(original, 'utf8'));
  change({ user: config.users[0].user, cluster: config.clusters[0].cluster });
  const path = join(temporary(), 'kubeconfig.yaml');
  writeFileSync(path, stringify(config));
  return path;
}

/** The kubeconfig of `bed` with a credential plugin of `script` (sh). */
export function withPlugin(bed: Bed, script: string): { KUBECONFIG: string } {
  const command = join(temporary(), 'plugin');
  writeFileSync(command, `#!/bin/sh\n${script}\n`);
  chmodSync(command, 0o755);
  const KUBECONFIG = changedKubeconfig(bed.kubeconfig, ({ user }) => {
    delete user['token'];
    user['exec'] = { command, apiVersion: 'client.authentication.k8s.io/v1' };
  });
  return { KUBECONFIG };
}

/** Whether the process whose ID is in the file `path` is alive; false if there is no such file. */
export function isAlive(path: string): boolean {
  if (!existsSync(path)) return false;
  const pid = Number(readFileSync(path, 'utf8'));
  const stat = `/proc/${pid}/stat`;
  // A zombie has ended, and waits for the process that reaps orphans.
  return pid > 0 && existsSync(stat) && !/\) Z /.test(readFileSync(stat, 'utf8'));
}
