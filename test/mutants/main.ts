/**
 * Whether the unit tests notice a mistake: npm run mutants -- [--only NUMBER] [--from NUMBER] [--to NUMBER]. Each mutant is a change
 * of one file of a copy of `src/`. Exits with 1 where one survives or no longer applies.
 */
import { parseArgs } from 'node:util';
import { mutate, runTests, withSource } from './copy.ts';
import type { Mutant } from './mutant.ts';
import { MUTANTS } from './mutants.ts';

/** A mutant whose tests do not end by then is killed. */
const DEADLINE_MS = 120_000;
/** For all tests of an area, and for those of all mutants: a busy machine must not kill any. */
const LONG_DEADLINE_MS = 900_000;

const { values } = parseArgs({
  options: { only: { type: 'string' }, from: { type: 'string' }, to: { type: 'string' } },
});
const from = Number(values.only ?? values.from ?? 1);
const to = Number(values.only ?? values.to ?? Number.POSITIVE_INFINITY);
const selected = MUTANTS.map((mutant, index) => ({ mutant, number: index + 1 })).filter(
  ({ number }) => number >= from && number <= to,
);

if (selected.length === 0) throw new Error('there is no such mutant');

const passed = new Set<string>();
await assertPasses(selected.flatMap(({ mutant }) => mutant.tests));
const harmWidth = Math.max(...selected.map(({ mutant }) => mutant.harm.length));
let killed = 0;
for (const { mutant, number } of selected) {
  const startedAt = performance.now();
  const { verdict, by = '' } = await judge(mutant);
  if (verdict === 'killed') killed += 1;
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1).padStart(5);
  const [nr, file, harm] = [`${number}`.padStart(3), mutant.file.padEnd(38), mutant.harm.padEnd(harmWidth)];
  console.log([nr, file, harm, verdict.padEnd(8), `${seconds} s`, by].join('  '));
}
console.log(`${killed} of ${selected.length} killed`);
if (killed < selected.length) process.exitCode = 1;

interface Judgement {
  readonly verdict: 'killed' | 'SURVIVED' | 'NO LONGER APPLIES';
  /** What killed it. */
  readonly by?: string | undefined;
}

/** By its own tests first, and where these pass by all tests of its area. */
async function judge(mutant: Mutant): Promise<Judgement> {
  const source = mutate(mutant);
  if (source === undefined) return { verdict: 'NO LONGER APPLIES' };
  const [area = ''] = mutant.file.split('/');
  const own = await withSource(mutant.file, source, () => runTests(mutant.tests, DEADLINE_MS));
  if (own.verdict === 'too late') return { verdict: 'killed', by: `the deadline of ${DEADLINE_MS} ms` };
  if (own.verdict === 'failed') return { verdict: 'killed', by: own.failed };
  await assertPasses([area]);
  const others = await withSource(mutant.file, source, () => runTests([area], LONG_DEADLINE_MS));
  return others.verdict === 'failed'
    ? { verdict: 'killed', by: `NOT BY ITS OWN TESTS: ${others.failed}` }
    : { verdict: 'SURVIVED' };
}

/** @throws Error where these tests fail on the sources as they are: each mutant would seem to be killed by them */
async function assertPasses(tests: readonly string[]): Promise<void> {
  const left = [...new Set(tests)].filter((test) => !passed.has(test));
  if (left.length > 0 && (await runTests(left, LONG_DEADLINE_MS)).verdict !== 'passed') {
    throw new Error(`without a mutant these tests do not pass: ${left.join(' ')}`);
  }
  for (const test of left) passed.add(test);
}
