import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { applied } from '../../mutants/mutant.ts';
import { MUTANTS } from '../../mutants/mutants.ts';

const unitTests = new URL('../', import.meta.url);
const source = new URL('../../../src/', import.meta.url);

test('every mutant of `npm run mutants` applies to its file, and the tests that kill it exist', () => {
  for (const mutant of MUTANTS) {
    const { file, harm } = mutant;
    const mutated = applied(mutant, readFileSync(new URL(file, source), 'utf8'));
    assert.ok(mutated !== undefined, `${file}: ${harm}`);
    for (const name of mutant.tests) assert.ok(existsSync(new URL(name, unitTests)), name);
  }
});
