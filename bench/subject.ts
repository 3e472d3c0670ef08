import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import packageJson from '../package.json' with { type: 'json' };
import { type Running, run } from './process.ts';

export type SubjectName = 'connector' | 'baseline' | 'plainBaseline' | 'folderBaseline';

/** A measured program: a bundle that runs with plain node. */
export interface Subject {
  readonly name: SubjectName;
  readonly bundle: string;
  /** Its own folder, in which it keeps its compiled code. */
  readonly home: string;
  readonly keepsCode: boolean;
}

export type Subjects = Readonly<Record<SubjectName, Subject>>;

/** The flags of the product's own start, so that no other flag affects a figure. */
const FLAGS = packageJson.scripts.start.split(' ').filter((word) => word.startsWith('--'));

/** Builds all in the same way, each in its own folder without node_modules, and removes them after `use`. */
export async function withSubjects<T>(use: (subjects: Subjects) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  const build = async (
    name: SubjectName,
    entry: string,
    options: readonly string[] = [],
  ): Promise<Subject> => {
    const bundle = join(folder, name, 'ambassador-consul-connector.js');
    await promisify(execFile)(process.execPath, ['scripts/build.mjs', entry, bundle, ...options]);
    const home = join(folder, name, 'home');
    await mkdir(home);
    return { name, bundle, home, keepsCode: !options.includes('--plain') };
  };
  try {
    const [connector, baseline, plainBaseline, folderBaseline] = await Promise.all([
      build('connector', 'src/main.ts'),
      build('baseline', 'bench/baseline.ts'),
      build('plainBaseline', 'bench/baseline.ts', ['--plain']),
      build('folderBaseline', 'bench/baseline-folder.ts'),
    ]);
    return await use({ connector, baseline, plainBaseline, folderBaseline });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Starts one with only `env` in its environment. */
export function start({ name, bundle, home }: Subject, env: Readonly<Record<string, string>>): Running {
  return run({
    name,
    command: process.execPath,
    args: [...FLAGS, bundle],
    cwd: dirname(bundle),
    env: { HOME: home, _HTTP_HOST: '127.0.0.1', _HTTP_PORT: '0', ...env },
  });
}

/** The code cache of `src/start.ts`: with it, the next start skips the compilation. */
export async function hasKeptCode({ home }: Subject): Promise<boolean> {
  const names = await readdir(join(home, '.cache', 'ambassador-consul-connector', 'compiled')).catch(
    () => [],
  );
  return names.length > 0;
}
