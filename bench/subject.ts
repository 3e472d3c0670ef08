import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import packageJson from '../package.json' with { type: 'json' };
import { type Running, run } from './process.ts';

export type SubjectName = 'connector' | 'baseline' | 'plainBaseline' | 'folderBaseline';

/** What is measured: a bundle that plain node runs. */
export interface Subject {
  readonly name: SubjectName;
  readonly bundle: string;
  /** A folder of its own, in which it keeps its compiled code. */
  readonly home: string;
  readonly keepsCode: boolean;
}

export type Subjects = Readonly<Record<SubjectName, Subject>>;

/** Those of the product's own start, so that no other flag makes anything of a figure. */
const FLAGS = packageJson.scripts.start.split(' ').filter((word) => word.startsWith('--'));

/** Builds all in the same way, each alone in a folder with no node_modules, and removes them when `use` is done. */
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

/** Starts one with nothing in its environment but `env`. */
export function start({ name, bundle, home }: Subject, env: Readonly<Record<string, string>>): Running {
  return run({
    name,
    command: process.execPath,
    args: [...FLAGS, bundle],
    cwd: dirname(bundle),
    env: { HOME: home, _HTTP_HOST: '127.0.0.1', _HTTP_PORT: '0', ...env },
  });
}

/** Where `src/start.ts` keeps code: what is there is not compiled at the next start. */
export async function hasKeptCode({ home }: Subject): Promise<boolean> {
  const names = await readdir(join(home, '.cache', 'ambassador-consul-connector', 'compiled')).catch(
    () => [],
  );
  return names.length > 0;
}
