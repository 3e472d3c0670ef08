import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Generations } from '../../../src/lib/generations.ts';

test('an entry that is read in each generation is kept', () => {
  const known = new Generations<string, number>(10);
  known.set('used', 1);
  for (let generation = 0; generation < 5; generation += 1) {
    known.set(`of ${generation}`, generation);
    known.endGeneration();
    assert.equal(known.get('used'), 1);
  }
});

test('an entry that is not read in a whole generation is dropped', () => {
  const known = new Generations<string, number>(10);
  known.set('unused', 1);
  known.endGeneration();
  known.endGeneration();
  assert.equal(known.get('unused'), undefined);
});

test('a generation that is never ended ends at its maximum size', () => {
  const known = new Generations<number, number>(10);
  for (let key = 0; key < 100; key += 1) known.set(key, key);
  const kept = [...Array(100).keys()].filter((key) => known.get(key) !== undefined);
  assert.ok(kept.length <= 20 && kept.includes(99), `${kept}`);
});
