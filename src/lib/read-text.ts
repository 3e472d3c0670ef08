import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type Clock, systemClock, withDeadline } from './clock.ts';
import { orAborted } from './or-aborted.ts';
import { inThreadPool } from './thread-pool.ts';

/** For tokens, certificates and kubeconfigs, which have a few kilobytes at most. */
const DEADLINE_MS = 4_000;
const MAX_BYTES = 8 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;
const POLL_MS = 20;

/** A read from a dead mount occupies its thread forever, so further reads of the file share it instead of taking another. */
const reading = new Map<string, Promise<Buffer>>();

/** `readBytes`, decoded as UTF-8. @throws the same */
export async function readText(path: string, clock?: Clock): Promise<string> {
  return (await readBytes(path, clock)).toString('utf8');
}

/**
 * Reads a file within four seconds: a pipe without a writer or a mount whose server is down would otherwise block the reader
 * forever.
 *
 * @throws the file system's error, with the code ETIMEDOUT if the file was not read in time
 */
export function readBytes(path: string, clock: Clock = systemClock): Promise<Buffer> {
  const work = reading.get(path) ?? startReading(path, clock);
  return withFileDeadline(path, clock, () => work);
}

/**
 * Waits for `work` on `path` for at most `ms` milliseconds; `work` itself continues after that.
 *
 * @throws what `work` throws, or an error with the code ETIMEDOUT
 */
export function withFileDeadline<T>(
  path: string,
  clock: Clock,
  work: () => Promise<T>,
  ms: number = DEADLINE_MS,
): Promise<T> {
  return withDeadline(clock, ms, new AbortController().signal, async (signal, timedOut) => {
    try {
      return await orAborted(work(), signal);
    } catch (error) {
      throw timedOut() ? fileError('ETIMEDOUT', path, error) : error;
    }
  });
}

function startReading(path: string, clock: Clock): Promise<Buffer> {
  const work = read(path, clock).finally(() => reading.delete(path));
  reading.set(path, work);
  return work;
}

async function read(path: string, clock: Clock): Promise<Buffer> {
  // Without O_NONBLOCK, opening a pipe blocks until it has a writer, in a thread that cannot be stopped.
  const file = await inThreadPool(() => open(path, constants.O_RDONLY | constants.O_NONBLOCK));
  try {
    return await readToEnd(file, path, clock);
  } finally {
    await file.close();
  }
}

async function readToEnd(file: FileHandle, path: string, clock: Clock): Promise<Buffer> {
  const giveUpAt = clock.monotonic() + DEADLINE_MS;
  const isPipe = (await inThreadPool(() => file.stat())).isFIFO();
  const chunks: Buffer[] = [];
  let size = 0;
  for (;;) {
    const { bytesRead, buffer } = await readChunk(file);
    if (bytesRead > 0) chunks.push(buffer.subarray(0, bytesRead));
    size += bytesRead;
    if (size > MAX_BYTES) throw fileError('EFBIG', path);
    if (bytesRead > 0) continue;
    // A pipe also reports its end before it has a writer.
    const isAtEnd = bytesRead === 0 && (!isPipe || size > 0);
    if (isAtEnd) return Buffer.concat(chunks);
    if (clock.monotonic() >= giveUpAt) throw fileError('ETIMEDOUT', path);
    await clock.sleep(POLL_MS, new AbortController().signal);
  }
}

/** `bytesRead` is negative if there is nothing to read yet. */
async function readChunk(file: FileHandle): Promise<{ bytesRead: number; buffer: Buffer }> {
  const buffer = Buffer.alloc(CHUNK_BYTES);
  try {
    const { bytesRead } = await inThreadPool(() => file.read(buffer, 0, CHUNK_BYTES, null));
    return { bytesRead, buffer };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN')
      return { bytesRead: -1, buffer };
    throw error;
  }
}

function fileError(code: string, path: string, cause?: unknown): Error {
  return Object.assign(new Error(`${code}: ${path}`, { cause }), { code });
}
