import { getPriority, setPriority } from 'node:os';

const PRIORITY = -10;

/**
 * Puts this process, and all that it starts from now on, before the other work of the machine, where that is allowed:
 * what a gateway fails for want of a processor says nothing about its identity. Returns what undoes it.
 */
export function raisePriority(): () => void {
  const before = getPriority();
  return set(PRIORITY) ? () => set(before) : () => undefined;
}

function set(priority: number): boolean {
  try {
    setPriority(priority);
    return true;
  } catch {
    return false;
  }
}
