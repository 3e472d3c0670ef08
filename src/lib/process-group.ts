import type { ChildProcess } from 'node:child_process';

/** Ends a child that leads a process group of its own, with all that it started. */
export function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}
