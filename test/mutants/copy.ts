import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';
import { applied, type Mutant } from './mutant.ts';

export interface Outcome {
  readonly verdict: 'passed' | 'failed' | 'too late';
  /** The name of the first test that failed. */
  readonly failed?: string | undefined;
}

const MODULES = 'node_modules';
/** A line of the reporter `spec` of Node. */
const FAILED = /✖ (.*) \([\d.]+ms\)/;
const LEFT_OUT = ['.git', 'coverage', 'dist', 'out', MODULES];

const repository = fileURLToPath(new URL('../..', import.meta.url));
const copy = mkdtempSync(join(tmpdir(), 'mutants-'));
for (const name of readdirSync(repository).filter((each) => !LEFT_OUT.includes(each))) {
  cpSync(join(repository, name), join(copy, name), { recursive: true });
}
symlinkSync(join(repository, MODULES), join(copy, MODULES));

let running: ChildProcess | undefined;
process.on('exit', () => {
  if (running !== undefined) kill(running);
  rmSync(copy, { recursive: true, maxRetries: 3 });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

/** The source of the mutant; undefined if it no longer applies. @throws Error if that is not TypeScript */
export function mutate(mutant: Mutant): string | undefined {
  const source = applied(mutant, readFileSync(join(copy, 'src', mutant.file), 'utf8'));
  if (source !== undefined) transformSync(source, { loader: 'ts' });
  return source;
}

/** What `work` comes to while `file` of the copy holds `source`. */
export async function withSource<T>(file: string, source: string, work: () => Promise<T>): Promise<T> {
  const path = join(copy, 'src', file);
  const original = readFileSync(path);
  writeFileSync(path, source);
  return work().finally(() => writeFileSync(path, original));
}

/** Runs these tests of the copy, until the first failure. */
export function runTests(tests: readonly string[], deadlineMs: number): Promise<Outcome> {
  const paths = tests.map((test) => join('test/unit', test));
  // In a process group of its own, so that it can be ended with all that it starts.
  const child = spawn(process.execPath, ['scripts/test.mjs', ...paths], { cwd: copy, detached: true });
  running = child;
  child.stderr.resume();
  return new Promise<Outcome>((resolve) => {
    const deadline = setTimeout(() => resolve({ verdict: 'too late' }), deadlineMs);
    createInterface(child.stdout).on('line', (line) => {
      const [, failed] = FAILED.exec(line) ?? [];
      if (failed !== undefined) resolve({ verdict: 'failed', failed });
    });
    child.once('close', (code) => {
      clearTimeout(deadline);
      resolve({ verdict: code === 0 ? 'passed' : 'failed' });
    });
  }).finally(() => kill(child));
}

function kill({ pid }: ChildProcess): void {
  running = undefined;
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
