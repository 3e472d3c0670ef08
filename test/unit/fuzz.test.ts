import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz } from '../fuzz/fuzz.ts';
import { isOwn, TARGETS } from '../fuzz/targets.ts';

/** A number, not a time, so that a loaded machine runs as many. */
const INPUTS = 300;

for (const [name, target] of Object.entries(TARGETS)) {
  test(`${name}: some of the corpus is valid, and mutations of it are decoded, or rejected with an error of our own`, async () => {
    const verdicts = await Promise.allSettled(target.corpus.map(async (text) => target.decode(text)));
    assert.ok(verdicts.some(({ status }) => status === 'fulfilled'));
    for (const verdict of verdicts) assert.ok(verdict.status === 'fulfilled' || isOwn(verdict.reason));

    assert.ok((await fuzz(target, { inputs: INPUTS })) >= INPUTS);
  });
}
