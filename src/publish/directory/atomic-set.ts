import { randomUUID } from 'node:crypto';
import { chmod, lstat, mkdir, open, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../errors.ts';

/** One file of a set: what it holds, its mode, and whose it is, where that matters. */
export interface SetFile {
  readonly content: string | Buffer;
  readonly mode: number;
  readonly owner?: number | undefined;
  readonly group?: number | undefined;
}

/** The link every file's name leads through; the kubelet gives its volumes the same form. */
export const CURRENT = '..current';
/** To the set that the reader of the files was last told of. */
const TOLD = '..told';
const SET_PREFIX = '..set-';
/** Of folders: what is in them has modes of its own. */
const FOLDER_MODE = 0o755;
const PRIVATE = 0o600;
/** For `chown`: as it is. */
const UNCHANGED = -1;

/**
 * Replaces a set of files in `directory` so that a reader sees all of the old set or all of the new one: the files are
 * written and synced in a folder of their own, then one rename of a link makes it the current one.
 *
 * @throws the file system's error; the old set then is untouched
 */
export async function replaceSet(directory: string, files: Readonly<Record<string, SetFile>>): Promise<void> {
  await mkdir(directory, { recursive: true, mode: FOLDER_MODE });
  const set = `${SET_PREFIX}${randomUUID()}`;
  try {
    await mkdir(join(directory, set));
    await chmod(join(directory, set), FOLDER_MODE);
    // Each waits for the disk, and the disk takes them together.
    const written = Object.entries(files).map(([name, file]) =>
      writeSynced(join(directory, set, name), file),
    );
    await allSettled(written);
    await replaceLink(directory, CURRENT, set);
  } catch (error) {
    await rm(join(directory, set), { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
  await allSettled(Object.keys(files).map((name) => replaceLink(directory, name, join(CURRENT, name))));
  await removeOldSets(directory, set);
}

/** The set that is current, if its reader was not told of it yet. @throws the file system's error */
export async function untoldSet(directory: string): Promise<string | undefined> {
  const [current, told] = await Promise.all([CURRENT, TOLD].map((name) => targetOf(join(directory, name))));
  return current === told ? undefined : current;
}

/** Remembers, beyond the end of this process, that the reader was told of `set`. @throws the file system's error */
export function rememberTold(directory: string, set: string): Promise<void> {
  return replaceLink(directory, TOLD, set);
}

/** Waits for each, so that nothing is written any more where one has failed. @throws what the first of these did */
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
    // Before there is anything to read; the umask has no say in it.
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
  const temporary = join(directory, `..link-${randomUUID()}`);
  await symlink(target, temporary);
  try {
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Also what a killed process left; a failure here harms nobody and the next write tries again. */
async function removeOldSets(directory: string, current: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const old = (name.startsWith(SET_PREFIX) && name !== current) || name.startsWith('..link-');
    if (old) await rm(join(directory, name), { recursive: true, force: true }).catch(() => undefined);
  }
}
