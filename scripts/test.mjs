// Runs the tests of folders or files with Node's own runner: node scripts/test.mjs test/unit [--together] [--flag-of-the-runner …]
// Node 20 expands no globs for `--test`, and looks for TypeScript in no folder.
// `--together` runs many files in one process: loading tsx and what the tests import costs most of them more than their tests.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const args = process.argv.slice(2);
const together = args.includes('--together');
/** No file takes a third of it: one that does not end is a failure, and not the end of the run. */
const MAX_FILE_MS = 900_000;
/** The tests of one process wait for one another, so that there are more processes than cores: many tests wait for a daemon. */
const PROCESSES = 2 * availableParallelism();
/** Outside any `describe`, a hook is run for every test of the process. */
const HAS_HOOKS_OF_ITS_OWN = /^(?:before|after)(?:Each)?\(/m;

const flags = [
  // Node leaves one core free, which on two cores is half of them; a flag that is given again wins.
  `--test-concurrency=${together ? PROCESSES : availableParallelism()}`,
  `--test-timeout=${MAX_FILE_MS}`,
  ...args.filter((arg) => arg.startsWith('--') && arg !== '--together'),
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
const folder = mkdtempSync(join(tmpdir(), 'connector-tests-'));
const { status } = spawnSync(
  process.execPath,
  ['--import', 'tsx', '--test', '--test-reporter=spec', ...flags, ...(together ? grouped(files) : files)],
  { stdio: 'inherit' },
);
rmSync(folder, { recursive: true });
process.exit(status ?? 1);

/** One file for each process, which imports the tests that run in it; those with hooks of their own run alone. */
function grouped(paths) {
  const alone = paths.filter((path) => HAS_HOOKS_OF_ITS_OWN.test(readFileSync(path, 'utf8')));
  const shared = paths.filter((path) => !alone.includes(path));
  const groups = Array.from({ length: PROCESSES }, (_, index) =>
    shared.filter((_path, place) => place % PROCESSES === index),
  ).filter((group) => group.length > 0);
  return [
    ...groups.map((group, index) => {
      const file = join(folder, `together-${index + 1}.test.mjs`);
      const imports = group.map((path) => `import ${JSON.stringify(pathToFileURL(resolve(path)).href)};\n`);
      writeFileSync(file, imports.join(''));
      return file;
    }),
    ...alone,
  ];
}
