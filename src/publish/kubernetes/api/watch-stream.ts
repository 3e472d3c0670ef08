import { unusableAnswer } from './errors.ts';

/**
 * Splits a stream into lines; an unterminated last line was cut off and is dropped. UTF-8 may be split anywhere between chunks.
 *
 * @throws PublishError KUBERNETES_INVALID_RESPONSE if a line is longer than `largest` (UTF-16 units)
 */
export async function* readLines(stream: AsyncIterable<Uint8Array>, largest: number): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let line = '';
  for await (const chunk of stream) {
    // Only the new chunk is scanned: a Secret with many roots arrives in hundreds of chunks.
    const [end = '', ...starts] = decoder.decode(chunk, { stream: true }).split('\n');
    line = atMost(largest, line + end);
    for (const start of starts) {
      if (line.trim() !== '') yield line;
      line = atMost(largest, start);
    }
  }
}

function atMost(largest: number, line: string): string {
  if (line.length <= largest) return line;
  throw unusableAnswer('a watch event of the API server is larger than 8 MiB');
}
