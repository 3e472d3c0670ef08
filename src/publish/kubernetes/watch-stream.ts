import { PublishError } from '../../errors.ts';

/**
 * Splits a stream into its lines; a last line without an end was cut off and is dropped. Decodes UTF-8 whole, wherever
 * the chunks split it.
 *
 * @throws PublishError KUBERNETES_ANSWER_UNUSABLE when a line is longer than `largest` (UTF-16 units)
 */
export async function* readLines(stream: AsyncIterable<Uint8Array>, largest: number): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    // Whole lines too, so that where a chunk ends makes no difference.
    if (lines.some(({ length }) => length > largest)) {
      throw new PublishError(
        'KUBERNETES_ANSWER_UNUSABLE',
        'a watch event of the API server is larger than 8 MiB',
      );
    }
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield line;
  }
}
