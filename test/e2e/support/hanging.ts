import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';

/** A pipe at `path` that no process writes to: opening it waits for ever. */
export function makeSilentPipe(path: string): string {
  execFileSync('mkfifo', [path]);
  return path;
}

/** A copy of a kubeconfig in `folder`, changed by `change`. */
export function changedKubeconfig(
  original: string,
  folder: string,
  change: (parts: { user: Record<string, unknown>; cluster: Record<string, unknown> }) => void,
): string {
  const config = parse(readFileSync(original, 'utf8'));
  change({ user: config.users[0].user, cluster: config.clusters[0].cluster });
  const path = join(folder, 'kubeconfig.yaml');
  writeFileSync(path, stringify(config));
  return path;
}

/** A credential plugin of `script` (sh), for `users[].user.exec`. */
export function plugin(folder: string, script: string): { command: string; apiVersion: string } {
  const command = join(folder, 'plugin');
  writeFileSync(command, `#!/bin/sh\n${script}\n`);
  chmodSync(command, 0o755);
  return { command, apiVersion: 'client.authentication.k8s.io/v1' };
}

/** Whether the process whose id is in the file `path` is alive; false where there is no such file. */
export function isAlive(path: string): boolean {
  if (!existsSync(path)) return false;
  const pid = Number(readFileSync(path, 'utf8'));
  const stat = `/proc/${pid}/stat`;
  // A zombie has ended, and waits for the process that reaps orphans.
  return pid > 0 && existsSync(stat) && !/\) Z /.test(readFileSync(stat, 'utf8'));
}
