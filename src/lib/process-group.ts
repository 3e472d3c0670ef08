import type { ChildProcess } from 'node:child_process';

/** Loads the module on first use: few configurations start a program, and loading takes a tenth of the start-up time. */
export function childProcesses(): typeof import('node:child_process') {
  return process.getBuiltinModule('node:child_process');
}

/** Kills a child that leads its own process group, with every process that it started. */
export function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group has already exited.
  }
}
