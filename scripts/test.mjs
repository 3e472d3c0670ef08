// Runs the tests of folders or files with Node's own runner: node scripts/test.mjs test/unit [--together] [--flag-of-the-runner …]
// Node 20 does not expand globs for `--test`, and does not find TypeScript files in folders.
// `--together` bundles many files into one process: most take longer to load their imports than to run their tests.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { clientNodeInParts } from './parts.mjs';

const args = process.argv.slice(2);
const together = args.includes('--together');
/** Files take less than a third of it: one that hangs is a failure, and does not block the run. */
const MAX_FILE_MS = 900_000;
/** More processes than cores: the tests of one process run one after the other, and many only wait for a daemon. */
const PROCESSES = 4 * availableParallelism();
/** For each argument; enough that all processes finish at about the same time. */
const GROUPS = 2 * PROCESSES;

const flags = [
  // By default Node leaves one core free, which is half of two; a repeated flag takes precedence.
  `--test-concurrency=${together ? PROCESSES : availableParallelism()}`,
  `--test-timeout=${MAX_FILE_MS}`,
  ...args.filter((arg) => arg.startsWith('--') && arg !== '--together'),
];
/** The test files of each argument. */
const filesOf = args
  .filter((arg) => !arg.startsWith('--'))
  .map((path) =>
    (statSync(path).isFile()
      ? [path]
      : readdirSync(path, { recursive: true }).map((name) => join(path, name))
    )
      .filter((file) => file.endsWith('.test.ts'))
      .sort(),
  );
if (filesOf.flat().length === 0) {
  console.error(`no tests in ${args.join(' ')}`);
  process.exit(1);
}
process.exitCode = together ? await runTogether() : run(['--import', 'tsx'], filesOf.flat());

function run(nodeFlags, paths) {
  const runner = [...nodeFlags, '--test', '--test-reporter=spec', ...flags, ...paths];
  return spawnSync(process.execPath, runner, { stdio: 'inherit' }).status ?? 1;
}

async function runTogether() {
  // Inside node_modules, so that packages that are not bundled resolve.
  const cache = fileURLToPath(new URL('../node_modules/.cache/', import.meta.url));
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'tests-'));
  try {
    return run(['--enable-source-maps'], await bundle(filesOf.flatMap(groups), folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Spreads neighbouring files over the groups, so that each group has files of every folder. */
function groups(paths) {
  return Array.from({ length: GROUPS }, (_, index) =>
    paths.filter((_path, place) => place % GROUPS === index),
  ).filter((group) => group.length > 0);
}

/** Writes a module for each group into `outdir`, and resolves with their paths. */
async function bundle(groupsOfFiles, outdir) {
  const NAMESPACE = 'group';
  const names = groupsOfFiles.map((_group, index) => `together-${String(index + 1).padStart(2, '0')}.test`);
  const groupPlugin = {
    name: 'groups',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: new RegExp(`^${NAMESPACE}:`) }, ({ path }) => ({
        path: path.slice(NAMESPACE.length + 1),
        namespace: NAMESPACE,
      }));
      onLoad({ filter: /.*/, namespace: NAMESPACE }, ({ path }) => ({
        contents: groupsOfFiles[Number(path)]
          .map((file) => `import ${JSON.stringify(resolve(file))};\n`)
          .join(''),
        resolveDir: outdir,
      }));
      // Tests and fixtures locate other files relative to their own source.
      onLoad({ filter: /(?:src|test)\/.*\.ts$/ }, async ({ path }) => ({
        contents: (await readFile(path, 'utf8')).replaceAll(
          'import.meta.url',
          JSON.stringify(pathToFileURL(path).href),
        ),
        loader: 'ts',
      }));
    },
  };
  await build({
    entryPoints: names.map((out, index) => ({ in: `${NAMESPACE}:${index}`, out })),
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // CommonJS packages call `require` for Node's modules.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    external: ['@kubernetes/client-node/dist/index.js'],
    keepNames: true,
    sourcemap: true,
    logLevel: 'warning',
    plugins: [groupPlugin, clientNodeInParts],
  });
  return names.map((name) => join(outdir, `${name}.mjs`));
}
