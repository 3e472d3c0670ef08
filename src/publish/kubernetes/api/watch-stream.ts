import { unusableAnswer } from './errors.ts';

/**
 * Splits a stream into its lines; a last line without an end was cut off and is dropped. Decodes UTF-8 whole, wherever
 * the chunks split it.
 *
 * @throws PublishError KUBERNETES_INVALID_RESPONSE when a line is longer than `largest` (UTF-16 units)
 */
export async function* readLines(stream: AsyncIterable<Uint8Array>, largest: number): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let line = '';
  for await (const chunk of stream) {
    // Only what is new is looked through: a Secret of many roots comes in hundreds of chunks.
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
