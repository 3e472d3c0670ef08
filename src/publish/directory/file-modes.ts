import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { withFileDeadline } from '../../lib/read-text.ts';
import { inThreadPool } from '../../lib/thread-pool.ts';
import type { SetFile } from './atomic-set.ts';

/** The mode and owner of each existing file. */
export type FileModes = Readonly<Record<string, FileMode>>;

interface FileMode {
  readonly mode: number;
  readonly owner: number;
  readonly group: number;
}

const PERMISSIONS = 0o777;

/** @throws the file system's error */
export async function readModes(
  directory: string,
  names: readonly string[],
  clock: Clock,
): Promise<FileModes> {
  const entries = await Promise.all(names.map((name) => readMode(directory, name, clock)));
  return Object.fromEntries(entries.flat());
}

/** Whether each file has its mode, and its owner and group if configured. */
export function hasWantedModes(files: Readonly<Record<string, SetFile>>, found: FileModes): boolean {
  return Object.entries(files).every(([name, { mode, owner, group }]) => {
    const actual = found[name];
    if (actual === undefined || actual.mode !== mode) return false;
    return (owner ?? actual.owner) === actual.owner && (group ?? actual.group) === actual.group;
  });
}

async function readMode(directory: string, name: string, clock: Clock): Promise<[string, FileMode][]> {
  const path = join(directory, name);
  try {
    const { mode, uid, gid } = await withFileDeadline(path, clock, () => inThreadPool(() => stat(path)));
    return [[name, { mode: mode & PERMISSIONS, owner: uid, group: gid }]];
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}
