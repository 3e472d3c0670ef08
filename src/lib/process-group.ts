import type { ChildProcess } from 'node:child_process';

/** The module, loaded when it is first needed: few configurations start a program, and loading takes a tenth of a start. */
export function childProcesses(): typeof import('node:child_process') {
  return process.getBuiltinModule('node:child_process');
}

/** Ends a child that leads a process group of its own, with all that it started. */
export function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}
