import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** What is measured: a bundle that plain node runs. */
export interface Subject {
  readonly name: 'connector' | 'baseline';
  readonly bundle: string;
}

/** A process of a subject. */
export interface Running {
  readonly pid: number;
  isRunning(): boolean;
  stop(): Promise<void>;
}

export interface Subjects {
  readonly connector: Subject;
  readonly baseline: Subject;
  remove(): Promise<void>;
}

/** Builds both in the same way, alone in a folder with no node_modules. */
export async function buildSubjects(): Promise<Subjects> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  const build = async (name: Subject['name'], entry: string): Promise<Subject> => {
    const bundle = join(folder, name, 'ambassador-consul-connector.js');
    await promisify(execFile)(process.execPath, ['scripts/build.mjs', entry, bundle]);
    return { name, bundle };
  };
  const [connector, baseline] = await Promise.all([
    build('connector', 'src/main.ts'),
    build('baseline', 'bench/baseline.ts'),
  ]);
  return { connector, baseline, remove: () => rm(folder, { recursive: true }) };
}

/** Starts one with nothing in its environment but `env`. What it says on standard error is shown. `flags`: of node. */
export function start(
  { bundle }: Subject,
  env: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Running {
  const child = spawn(process.execPath, [...flags, bundle], {
    cwd: dirname(bundle),
    env: { HOME: dirname(bundle), _HTTP_HOST: '127.0.0.1', _HTTP_PORT: '0', ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${bundle} did not start`);
  return { pid, isRunning: () => isRunning(child), stop: () => stop(child) };
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

async function stop(child: ChildProcess): Promise<void> {
  if (!isRunning(child)) throw new Error('it ended before it was stopped');
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}
