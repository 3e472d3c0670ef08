import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ServerProcess {
  readonly pid: number;
  /** All it has printed so far, both streams. */
  output(): string;
  /** Rejects with the end of its output if it exits, or is not ready after the time given. */
  waitUntil(ready: () => Promise<boolean>, timeoutMilliseconds?: number): Promise<void>;
  /** SIGTERM, and SIGKILL to one that is still there after the grace; resolves when it has exited. */
  stop(graceMilliseconds?: number): Promise<void>;
  /** SIGKILL: what a crash or a power cut looks like to its clients. */
  kill(): Promise<void>;
}

const running = new Set<ChildProcess>();

// A test that fails half-way must leave no server behind; `exit` alone does not fire for signals.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

/** Starts a program with no standard input. Its pid is the handle: nothing is ever ended by name. */
export async function startProcess(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<ServerProcess> {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
  }
  running.add(child);
  const exited = once(child, 'exit').finally(() => running.delete(child));
  // Whoever waits sees a failed spawn; without this line it would be an unhandled rejection as well.
  exited.catch(() => {});
  await once(child, 'spawn');
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} has no pid`);

  const output = () => chunks.join('');
  const hasExited = () => child.exitCode !== null || child.signalCode !== null;

  async function waitUntil(ready: () => Promise<boolean>, timeoutMilliseconds = 60_000): Promise<void> {
    const deadline = performance.now() + timeoutMilliseconds;
    while (!(await ready().catch(() => false))) {
      const problem = hasExited()
        ? 'exited'
        : performance.now() > deadline
          ? 'was not ready in time'
          : undefined;
      if (problem !== undefined) {
        await stop();
        throw new Error(`${command} ${problem}; the end of its output:\n${output().slice(-4_000)}`);
      }
      await sleep(50);
    }
  }

  async function stop(graceMilliseconds = 5_000): Promise<void> {
    if (hasExited()) return;
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), graceMilliseconds);
    await exited;
    clearTimeout(killer);
  }

  async function kill(): Promise<void> {
    if (hasExited()) return;
    child.kill('SIGKILL');
    await exited;
  }

  return { pid, output, waitUntil, stop, kill };
}
