import { randomUUID } from 'node:crypto';
import { chmod, lstat, mkdir, open, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../errors.ts';

/** One file of a set: its content, its mode, and its owner if configured. */
export interface SetFile {
  readonly content: string | Buffer;
  readonly mode: number;
  readonly owner?: number | undefined;
  readonly group?: number | undefined;
}

/** The link to the current set, through which all file names lead; the layout of the kubelet's volumes. */
export const CURRENT = '..current';
/** The link to the set with which the gateway was last reloaded. */
const RELOADED = '..reloaded';
const SET_PREFIX = '..set-';
const LINK_PREFIX = '..link-';
/** Four times the deadline of a write. */
const ABANDONED_AFTER_MS = 60_000;
/** For folders: the files have their own modes. */
const FOLDER_MODE = 0o755;
const PRIVATE = 0o600;
/** For `chown`: no change. */
const UNCHANGED = -1;

/**
 * Replaces a set of files in `directory` so that a reader sees either the old or the new set as a whole: the files are written
 * and synced in a new folder, then one rename of a link makes it current.
 *
 * @throws the file system's error; the old set is then unchanged
 */
export async function replaceSet(directory: string, files: Readonly<Record<string, SetFile>>): Promise<void> {
  const set = `${SET_PREFIX}${randomUUID()}`;
  const folder = join(directory, set);
  let replaced: string | undefined;
  try {
    await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
    const written = Object.entries(files).map(([name, file]) => writeSynced(join(folder, name), file));
    // In parallel: each file waits for the disk, which combines the syncs. The mode is set again because mkdir applies the umask.
    [replaced] = await Promise.all([
      targetOf(join(directory, CURRENT)).catch(() => undefined),
      allSettled([chmod(folder, FOLDER_MODE), ...written]),
    ]);
    await placeLink(directory, CURRENT, set);
  } catch (error) {
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
  await allSettled(Object.keys(files).map((name) => replaceLink(directory, name, join(CURRENT, name))));
  await removeOldSets(directory, set, replaced).catch(() => undefined);
}

/** The current set, if the gateway has not been reloaded with it yet. @throws the file system's error */
export async function setToReload(directory: string): Promise<string | undefined> {
  const links = [CURRENT, RELOADED].map((name) => targetOf(join(directory, name)));
  const [current, reloaded] = await Promise.all(links);
  return current === reloaded ? undefined : current;
}

/** Records on disk that the gateway was reloaded with `set`. @throws the file system's error */
export function markReloaded(directory: string, set: string): Promise<void> {
  return replaceLink(directory, RELOADED, set);
}

/** Waits for all, so that no write is pending after a failure. @throws the first error */
async function allSettled(work: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason;
}

async function targetOf(link: string): Promise<string | undefined> {
  try {
    return await readlink(link);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function writeSynced(path: string, { content, mode, owner, group }: SetFile): Promise<void> {
  const file = await open(path, 'wx', PRIVATE);
  try {
    // Before the content is written, and independent of the umask.
    if (owner !== undefined || group !== undefined) await file.chown(owner ?? UNCHANGED, group ?? UNCHANGED);
    await file.chmod(mode);
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function replaceLink(directory: string, name: string, target: string): Promise<void> {
  const path = join(directory, name);
  const existing = await lstat(path).catch(() => undefined);
  if (existing?.isSymbolicLink() && (await readlink(path)) === target) return;
  await placeLink(directory, name, target);
}

async function placeLink(directory: string, name: string, target: string): Promise<void> {
  const path = join(directory, name);
  const temporary = join(directory, `${LINK_PREFIX}${randomUUID()}`);
  await symlink(target, temporary);
  try {
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Removes the set that was replaced, and what a killed process left. Another connector may be writing a set, or may have made one
 * current: of the rest only what is older than any write takes is removed. A failure is harmless: the next write tries again.
 */
async function removeOldSets(directory: string, own: string, replaced: string | undefined): Promise<void> {
  const { mtimeMs: now } = await lstat(join(directory, own));
  const current = await targetOf(join(directory, CURRENT));
  for (const name of await readdir(directory)) {
    if (name === current || !(name.startsWith(SET_PREFIX) || name.startsWith(LINK_PREFIX))) continue;
    const path = join(directory, name);
    try {
      const isOld = name === replaced || (await lstat(path)).mtimeMs < now - ABANDONED_AFTER_MS;
      if (isOld) await rm(path, { recursive: true, force: true });
    } catch {}
  }
}
