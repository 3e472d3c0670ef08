import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Typed {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Terminal {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

const MAX_MS = 600_000;

/** Types a command into a shell. With `until`, sends Ctrl-C as soon as that is printed. */
export async function type(command: string, { cwd, env }: Terminal, until?: RegExp): Promise<Typed> {
  // Its own process group: Ctrl-C reaches all processes of the command.
  const shell = spawn('bash', ['-c', command], {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const signal = (name: NodeJS.Signals): void => {
    const hasEnded = shell.exitCode !== null || shell.signalCode !== null;
    if (shell.pid !== undefined && !hasEnded) process.kill(-shell.pid, name);
  };
  const kill = () => signal('SIGKILL');
  process.once('exit', kill);
  const deadline = setTimeout(kill, MAX_MS);
  let [stdout, stderr] = ['', ''];
  let seen = until === undefined;
  shell.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (seen || until?.test(stdout) !== true) return;
    seen = true;
    signal('SIGINT');
  });
  shell.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = await once(shell, 'close');
  clearTimeout(deadline);
  process.off('exit', kill);
  if (!seen) throw new Error(`${command} never printed ${until}:\n${stdout}${stderr}`);
  return { code, stdout, stderr };
}
