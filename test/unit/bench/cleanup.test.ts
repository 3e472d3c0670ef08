import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sideBySide, thenEnd } from '../../../bench/cleanup.ts';

const failing = (text: string) => async (): Promise<never> => {
  throw new Error(text);
};

test('the first error comes first, and every end is done', async () => {
  const done: string[] = [];
  const ended = thenEnd(
    failing('measurement'),
    async () => done.push('process'),
    failing('stage'),
    async () => done.push('server'),
  );
  await assert.rejects(ended, new Error('measurement\nand in ending: stage'));
  assert.deepEqual(done, ['process', 'server']);
});

test('an error that only ending has is thrown, and one that says the same is not said again', async () => {
  await assert.rejects(
    thenEnd(async () => 1, failing('stage')),
    new Error('stage'),
  );
  await assert.rejects(thenEnd(failing('it ended'), failing('it ended')), new Error('it ended'));
});

test('side by side, an error waits for the others', async () => {
  let isDone = false;
  const slow = async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    isDone = true;
  };
  await assert.rejects(sideBySide(failing('one')(), slow()), new Error('one'));
  assert.ok(isDone);
});
