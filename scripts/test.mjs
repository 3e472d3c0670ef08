// Runs the tests of folders or files with Node's own runner: node scripts/test.mjs test/unit [--flag-of-the-runner …]
// Node 20 expands no globs for `--test`, and looks for TypeScript in no folder.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const args = process.argv.slice(2);
/** No file takes a third of it: one that does not end is a failure, and not the end of the run. */
const MAX_FILE_MS = 900_000;
const flags = [
  // Node leaves one core free, which on two cores is half of them; a flag that is given again wins.
  `--test-concurrency=${availableParallelism()}`,
  `--test-timeout=${MAX_FILE_MS}`,
  ...args.filter((arg) => arg.startsWith('--')),
];
const files = args
  .filter((arg) => !arg.startsWith('--'))
  .flatMap((path) =>
    statSync(path).isFile() ? [path] : readdirSync(path, { recursive: true }).map((name) => join(path, name)),
  )
  .filter((path) => path.endsWith('.test.ts'))
  .sort();
if (files.length === 0) {
  console.error(`no tests in ${args.join(' ')}`);
  process.exit(1);
}
const { status } = spawnSync(
  process.execPath,
  ['--import', 'tsx', '--test', '--test-reporter=spec', ...flags, ...files],
  { stdio: 'inherit' },
);
process.exit(status ?? 1);
