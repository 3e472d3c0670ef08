import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz } from '../fuzz/fuzz.ts';
import { isOwn, TARGETS } from '../fuzz/targets.ts';

/** By number, not by time: a loaded machine must not end it before the first. */
const INPUTS = 300;

for (const [name, target] of Object.entries(TARGETS)) {
  test(`${name}: some of the corpus is good, and what is nearly good is decoded, or rejected with an error of ours`, async () => {
    const verdicts = await Promise.allSettled(target.corpus.map(async (text) => target.decode(text)));
    assert.ok(verdicts.some(({ status }) => status === 'fulfilled'));
    for (const verdict of verdicts) assert.ok(verdict.status === 'fulfilled' || isOwn(verdict.reason));

    assert.ok((await fuzz(target, { inputs: INPUTS })) >= INPUTS);
  });
}
