import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { thenEnd } from './cleanup.ts';

export interface Program {
  /** Its name in errors. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Its complete environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** A process that is measured. */
export interface Running {
  readonly pid: number;
  /** Rejects if it exits by itself, with its exit code and its last output. */
  readonly failed: Promise<never>;
  /** @throws Error as `failed`, if it exited by itself */
  stop(): Promise<void>;
}

const LAST_CHARACTERS = 2_000;
const GRACE_MS = 10_000;

const children = new Set<ChildProcess>();
// An interrupted run must not leave processes behind.
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** Starts a program. Its standard error is shown. */
export function run({ name, command, args, cwd, env }: Program): Running {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
  children.add(child);
  const closed = once(child, 'close').finally(() => children.delete(child));
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    process.stderr.write(text);
    said = (said + text).slice(-LAST_CHARACTERS);
  });
  let stopping: Promise<void> | undefined;
  const failed = closed.then(() => {
    // The exit of a stopped process is not reported.
    if (stopping !== undefined) return new Promise<never>(() => undefined);
    const last = said === '' ? 'it said nothing' : `the last it said:\n${said.trimEnd()}`;
    throw new Error(`${name} ended by itself, with ${child.signalCode ?? `code ${child.exitCode}`}; ${last}`);
  });
  // Prevents an unhandled rejection without a waiter.
  failed.catch(() => undefined);
  const stop = (): Promise<void> => {
    if (stopping !== undefined) return stopping;
    if (child.exitCode !== null || child.signalCode !== null) return failed;
    stopping = end(child, name, closed);
    return stopping;
  };
  if (child.pid === undefined) throw new Error(`${command} cannot be started`);
  return { pid: child.pid, failed, stop };
}

/** Does `work` with the processes, fails if one of them exits by itself, and stops them all. */
export function whileRunning<T>(running: readonly Running[], work: () => Promise<T>): Promise<T> {
  const ends = running.map((one) => () => one.stop());
  return thenEnd(() => Promise.race([work(), ...running.map(({ failed }) => failed)]), ...ends);
}

async function end(child: ChildProcess, name: string, closed: Promise<unknown>): Promise<void> {
  child.kill('SIGTERM');
  let wasSlow = false;
  const killer = setTimeout(() => {
    wasSlow = true;
    child.kill('SIGKILL');
  }, GRACE_MS);
  await closed;
  clearTimeout(killer);
  if (wasSlow) throw new Error(`${name} did not end within ${GRACE_MS} ms of SIGTERM`);
}
