import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { MUTANTS } from '../../mutants/mutants.ts';

const unitTests = new URL('../', import.meta.url);
const source = new URL('../../../src/', import.meta.url);

test('every mutant of `npm run mutants` applies to its file, and the tests that kill it exist', () => {
  for (const { file, harm, before, tests } of MUTANTS) {
    const parts = readFileSync(new URL(file, source), 'utf8').split(before);
    assert.equal(parts.length, 2, `${file}: ${harm}`);
    for (const name of tests) assert.ok(existsSync(new URL(name, unitTests)), name);
  }
});
