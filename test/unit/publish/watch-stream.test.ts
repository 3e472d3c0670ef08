import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PublishError } from '../../../src/errors.ts';
import { readLines } from '../../../src/publish/kubernetes/api/watch-stream.ts';

for (const chunks of [['0123456789\n'], ['01234', '56789\n']]) {
  test(`a line that is too long is refused when it arrives in ${chunks.length} parts`, async () => {
    async function* stream(): AsyncGenerator<Uint8Array> {
      for (const chunk of chunks) yield Buffer.from(chunk);
    }
    await assert.rejects(readLines(stream(), 9).next(), PublishError);
    assert.equal((await readLines(stream(), 10).next()).value, '0123456789');
  });
}
