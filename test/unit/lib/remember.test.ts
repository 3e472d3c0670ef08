import assert from 'node:assert/strict';
import { test } from 'node:test';
import { remember } from '../../../src/lib/remember.ts';

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

test('one that is no longer asked for while the others are is forgotten, so that replaced leaves do not pile up', () => {
  const { read, asked } = counted(100);
  const ask = (times: number, texts: readonly string[]): void => {
    for (let time = 0; time < times; time += 1) texts.map(read);
  };

  ask(1, ['old', 'root', 'leaf']);
  ask(20, ['root', 'leaf']);
  ask(1, ['old']);

  assert.deepEqual(asked, ['old', 'root', 'leaf', 'old']);
});

test('two hundred that are asked for in turn, one of them more often, are each read once', () => {
  const { read, asked } = counted(256);
  const roots = Array.from({ length: 200 }, (_, at) => `root ${at}`);

  for (let round = 0; round < 10; round += 1) for (const root of roots) [root, 'leaf'].map(read);

  assert.deepEqual(asked.toSorted(), ['leaf', ...roots].toSorted());
});

test('what could not be read is tried again', () => {
  const { read, asked } = counted(2);

  for (const _ of [1, 2]) assert.throws(() => read('bad'), /unreadable/);

  assert.deepEqual(asked, ['bad', 'bad']);
});
