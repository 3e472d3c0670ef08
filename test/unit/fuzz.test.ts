import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz } from '../fuzz/fuzz.ts';
import { isOwn, TARGETS } from '../fuzz/targets.ts';

const SECONDS = 0.5;

for (const [name, target] of Object.entries(TARGETS)) {
  test(`${name}: what is nearly good is decoded, or rejected with an error of ours`, async () => {
    assert.ok((await fuzz(target, { seconds: SECONDS })) > 0);
  });

  test(`${name}: some of the corpus is good, and the rest rejected with such an error`, async () => {
    const verdicts = await Promise.allSettled(target.corpus.map(async (text) => target.decode(text)));

    assert.ok(verdicts.some(({ status }) => status === 'fulfilled'));
    for (const verdict of verdicts) assert.ok(verdict.status === 'fulfilled' || isOwn(verdict.reason));
  });
}
