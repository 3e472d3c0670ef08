import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type Clock, systemClock, withDeadline } from './clock.ts';
import { orAborted } from './or-aborted.ts';
import { inThreadPool } from './thread-pool.ts';

/** For a token, a certificate or a kubeconfig, of which the largest has some kilobytes. */
const DEADLINE_MS = 4_000;
const MAX_BYTES = 8 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;
const POLL_MS = 20;

/** A read from a dead mount keeps its thread for ever: another read of that file waits for it, instead of for a second thread. */
const reading = new Map<string, Promise<Buffer>>();

/** As `readBytes`, of a text in UTF-8. @throws the same */
export async function readText(path: string, clock?: Clock): Promise<string> {
  return (await readBytes(path, clock)).toString('utf8');
}

/**
 * Reads a file within four seconds, whatever it is: a pipe that nobody writes to and a mount whose server died would
 * otherwise hold up the reader for ever.
 *
 * @throws the file system's error, with the code ETIMEDOUT when it was not read in time
 */
export function readBytes(path: string, clock: Clock = systemClock): Promise<Buffer> {
  const work = reading.get(path) ?? startReading(path, clock);
  return withFileDeadline(path, clock, () => work);
}

/**
 * What `work`, which does something with `path`, comes to within `ms` milliseconds; it goes on after that.
 *
 * @throws what `work` does, or an error with the code ETIMEDOUT
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
  // Without O_NONBLOCK the mere opening of a pipe waits for its writer, in a thread that nothing can end.
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
    // A pipe is at its end, too, before its writer has come.
    const isAtEnd = bytesRead === 0 && (!isPipe || size > 0);
    if (isAtEnd) return Buffer.concat(chunks);
    if (clock.monotonic() >= giveUpAt) throw fileError('ETIMEDOUT', path);
    await clock.sleep(POLL_MS, new AbortController().signal);
  }
}

/** `bytesRead` is negative where there is nothing to read yet. */
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
