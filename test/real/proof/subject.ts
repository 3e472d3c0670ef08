import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Daemon, startDaemon } from '../../e2e/support/daemon.ts';

/** A program that publishes, as the time line handles it. */
export interface Publishing {
  /** SIGKILL. */
  kill(): Promise<void>;
  output(): string;
}

export type SubjectName = 'connector' | 'old';
type Environment = Readonly<Record<string, string>>;

export function startSubject(name: SubjectName, environment: Environment): Publishing {
  return name === 'old' ? startOldProgram(environment) : startConnector(environment);
}

function startConnector(environment: Environment): Publishing {
  const daemon: Daemon = startDaemon(environment);
  return {
    kill: async () => {
      await daemon.stop('SIGKILL');
    },
    output: () => daemon.stdout + daemon.stderr,
  };
}

const OLD_PROGRAM = new URL('../../../bench/old-program.ts', import.meta.url).pathname;
/** As the kubelet restarts a container that exited: after ten seconds, twice as long each time, at most five minutes. */
const FIRST_RESTART_MS = 10_000;
const LONGEST_RESTART_MS = 300_000;

function startOldProgram(environment: Environment): Publishing {
  const { PATH = '', HOME = '' } = process.env;
  let output = '';
  let restartMs = FIRST_RESTART_MS;
  let child: ChildProcess | undefined;
  let restart: NodeJS.Timeout | undefined;
  let killed = false;

  function start(): void {
    child = spawn(process.execPath, ['--import', 'tsx', OLD_PROGRAM], {
      env: { PATH, HOME, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    child.once('exit', () => {
      if (killed) return;
      restart = setTimeout(start, restartMs);
      restartMs = Math.min(LONGEST_RESTART_MS, restartMs * 2);
    });
  }
  start();
  const killOnExit = () => child?.kill('SIGKILL');
  process.once('exit', killOnExit);

  return {
    async kill() {
      killed = true;
      clearTimeout(restart);
      process.off('exit', killOnExit);
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
    output: () => output,
  };
}
