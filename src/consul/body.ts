import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Dispatcher } from 'undici';
import { ConsulError } from '../errors.ts';

type Body = Dispatcher.ResponseData['body'];

/** Consul's error is one line, and a proxy's page is not quoted. */
const MAX_REFUSAL_BYTES = 16 * 1024;
const FIRST_BYTES = 8 * 1024;

const gunzipBounded = promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip);
/** Drops a byte order mark, which JSON parsers may ignore (RFC 8259 section 8.1). */
const utf8 = new TextDecoder();

/** The answer is longer than the limit of its endpoint. */
export class TooLongError extends Error {
  readonly maxBytes: number;

  constructor(maxBytes: number) {
    super(`longer than ${maxBytes} bytes`);
    this.maxBytes = maxBytes;
  }
}

/**
 * The body as text. For a redirect it is not read; for any other status than 200 only the beginning, or nothing if it cannot be
 * read.
 *
 * @throws TooLongError for an answer of more than `maxBytes`, compressed or not; the error of the connection; ConsulError
 *   CONSUL_INVALID_RESPONSE for an encoding that cannot be decoded
 */
export async function readBody(
  status: number,
  body: Body,
  encoding: string | undefined,
  maxBytes: number,
  parent: AbortSignal,
): Promise<string> {
  if (status >= 300 && status < 400) {
    body.on('error', () => undefined).destroy();
    return '';
  }
  try {
    if (status === 200) {
      const { bytes, isCut } = await collect(body, maxBytes);
      if (isCut) throw new TooLongError(maxBytes);
      return utf8.decode(await decode(bytes, encoding, maxBytes));
    }
    const { bytes } = await collect(body, MAX_REFUSAL_BYTES);
    return utf8.decode(await decode(bytes, encoding, MAX_REFUSAL_BYTES));
  } catch (error) {
    if (status === 200 || parent.aborted) throw error;
    return '';
  }
}

/**
 * The body up to `maxBytes`, where the request is ended. Each chunk is copied as it arrives: six million separate chunks of one
 * byte would take a gigabyte.
 */
function collect(body: Body, maxBytes: number): Promise<{ bytes: Buffer; isCut: boolean }> {
  return new Promise((resolve, reject) => {
    let buffer = Buffer.allocUnsafeSlow(Math.min(FIRST_BYTES, maxBytes));
    let length = 0;
    const finish = (isCut: boolean): void => resolve({ bytes: buffer.subarray(0, length), isCut });
    const take = (chunk: Buffer): void => {
      const needed = Math.min(length + chunk.length, maxBytes);
      if (needed > buffer.length) {
        const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(needed, 2 * buffer.length), maxBytes));
        buffer.copy(larger, 0, 0, length);
        buffer = larger;
      }
      const isCut = length + chunk.length > maxBytes;
      length += chunk.copy(buffer, length);
      if (!isCut) return;
      body.off('data', take).destroy();
      finish(true);
    };
    body.on('error', reject);
    body.once('close', () => reject(new Error('the connection ended within the answer')));
    body.once('end', () => finish(false));
    body.on('data', take);
  });
}

/** Codings are case-insensitive, and `x-gzip` is `gzip` (RFC 9110 section 8.4.1). We request none. */
async function decode(body: Buffer, encoding = 'identity', maxBytes: number): Promise<Buffer> {
  const coding = encoding.trim().toLowerCase();
  if (coding === 'identity' || coding === '') return body;
  try {
    if (!/^(?:x-)?gzip$/.test(coding)) throw new Error('an unknown content coding');
    return await gunzipBounded(body, { maxOutputLength: maxBytes });
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE') {
      throw new TooLongError(maxBytes);
    }
    throw new ConsulError('CONSUL_INVALID_RESPONSE', "Consul's compressed answer cannot be read", {
      remedy: 'a proxy in front of Consul corrupts its answers: connect without it',
      cause,
    });
  }
}
