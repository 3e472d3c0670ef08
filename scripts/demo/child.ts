import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Child {
  readonly pid: number | undefined;
  /** The exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>;
  /** Each line of its standard output. */
  onLine(listener: (line: string) => void): void;
  /** The end of its standard error. */
  complaints(): string;
  /** SIGTERM, and SIGKILL if it is still running after three seconds. */
  stop(): Promise<void>;
}

const GRACE_MS = 3_000;
const MAX_STDERR_LENGTH = 2_000;

/** Starts a program that is killed when this process exits. */
export function startChild(program: string, args: readonly string[], env = process.env): Child {
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines = createInterface({ input: child.stdout });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    complaints = (complaints + chunk).slice(-MAX_STDERR_LENGTH);
  });
  const killAtExit = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', killAtExit);
  const exited = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  }).finally(() => process.off('exit', killAtExit));
  return {
    pid: child.pid,
    exited,
    onLine: (listener) => void lines.on('line', listener),
    complaints: () => complaints,
    async stop() {
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
      await exited;
      clearTimeout(killer);
    },
  };
}
