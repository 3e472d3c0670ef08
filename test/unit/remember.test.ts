import assert from 'node:assert/strict';
import { test } from 'node:test';
import { remember } from '../../src/remember.ts';

function counted(most: number): { read: (text: string) => string; asked: string[] } {
  const asked: string[] = [];
  const read = remember((text: string) => {
    asked.push(text);
    if (text === 'bad') throw new Error('unreadable');
    return text.toUpperCase();
  }, most);
  return { read, asked };
}

test('the same text is read once', () => {
  const { read, asked } = counted(2);

  assert.deepEqual([read('a'), read('a'), read('b'), read('a')], ['A', 'A', 'B', 'A']);
  assert.deepEqual(asked, ['a', 'b']);
});

test('of more texts than are remembered, the one that was not asked for the longest is forgotten', () => {
  const { read, asked } = counted(2);

  for (const text of ['a', 'b', 'a', 'c', 'a', 'b']) read(text);

  assert.deepEqual(asked, ['a', 'b', 'c', 'b']);
});

test('what could not be read is tried again', () => {
  const { read, asked } = counted(2);

  for (const _ of [1, 2]) assert.throws(() => read('bad'), /unreadable/);

  assert.deepEqual(asked, ['bad', 'bad']);
});
