import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Typed {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Terminal {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

const MAX_MS = 600_000;

/** Types a command into a shell. With `until`, Ctrl-C as soon as that is on the screen. */
export async function type(command: string, { cwd, env }: Terminal, until?: RegExp): Promise<Typed> {
  // A group of its own: Ctrl-C goes to all that the command has started.
  const shell = spawn('bash', ['-c', command], {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { pid } = shell;
  if (pid === undefined) throw new Error('there is no bash');
  const interrupt = (signal: NodeJS.Signals): void => {
    if (shell.exitCode === null && shell.signalCode === null) process.kill(-pid, signal);
  };
  const killAtExit = () => interrupt('SIGKILL');
  process.once('exit', killAtExit);
  let stdout = '';
  let stderr = '';
  let seen = until === undefined;
  shell.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (seen || until?.test(stdout) !== true) return;
    seen = true;
    interrupt('SIGINT');
  });
  shell.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const patience = new AbortController();
  const closed = once(shell, 'close').finally(() => patience.abort());
  const late = sleep(MAX_MS, undefined, patience).then(
    () => interrupt('SIGKILL'),
    () => undefined,
  );
  const [code] = await closed;
  await late;
  process.off('exit', killAtExit);
  if (!seen) throw new Error(`${command} never said ${until}:\n${stdout}${stderr}`);
  return { code, stdout, stderr };
}
