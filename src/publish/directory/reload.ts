import { PublishError, systemCode } from '../../errors.ts';
import { type Clock, withDeadline } from '../../lib/clock.ts';
import { foreignText } from '../../lib/foreign-text.ts';
import { childProcesses, endGroup } from '../../lib/process-group.ts';
import { readText } from '../../lib/read-text.ts';
import type { Reload } from './output.ts';

/** A graceful reload of a gateway with many routes takes seconds. */
const COMMAND_DEADLINE_MS = 30_000;
/** The wait for remaining stderr output of a failed command whose children keep it open. */
const DRAIN_MS = 200;
const MAX_STDERR_LENGTH = 4_096;

/**
 * Makes the gateway read the files in `directory` again, and returns whether it is running: a gateway that is not running reads
 * them when it starts.
 *
 * @throws PublishError RELOAD_FAILED; or `signal.reason`
 */
export async function reloadGateway(
  reload: Reload,
  directory: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  if (reload.kind === 'signal') return sendSignal(reload.signal, reload.pidFile, clock);
  await runCommand(reload.command, directory, clock, signal);
  return true;
}

async function sendSignal(signal: NodeJS.Signals, pidFile: string, clock: Clock): Promise<boolean> {
  try {
    const [, pid] = /^([1-9]\d{0,9})\s*$/.exec(await readText(pidFile, clock)) ?? [];
    if (pid === undefined) throw new Error('it contains no process ID');
    process.kill(Number(pid), signal);
    return true;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ESRCH') return false;
    const why = code ?? (error instanceof Error ? error.message : 'unknown');
    throw new PublishError(
      'RELOAD_FAILED',
      `${signal} could not be sent to the process of ${pidFile} (${why})`,
      {
        remedy:
          code === 'EPERM'
            ? 'run the connector as the user of that process, or as root'
            : 'set _OUTPUT_RELOAD_PID_FILE to the file to which the gateway writes its process ID',
        cause: error,
      },
    );
  }
}

/** The command's output is discarded, except for the end of stderr if it fails. It does not get the tokens of this process. */
async function runCommand(
  command: string,
  directory: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const remedy = 'run the command of _OUTPUT_RELOAD_COMMAND by hand, as the user of the connector';
  const failed = (why: string, cause?: unknown): PublishError =>
    new PublishError('RELOAD_FAILED', `the reload command ${why}`, {
      remedy:
        systemCode(cause) === 'ERR_ACCESS_DENIED'
          ? 'the permission model of Node.js denies it: add --allow-child-process to NODE_OPTIONS'
          : remedy,
      cause,
    });
  await withDeadline(clock, COMMAND_DEADLINE_MS, signal, async (ended, timedOut) => {
    let end: Ended;
    try {
      end = await run(command, directory, clock, ended);
    } catch (error) {
      throw failed(`could not be started (${systemCode(error) ?? 'unknown'})`, error);
    }
    if (timedOut()) throw failed(`did not end within ${COMMAND_DEADLINE_MS / 1_000} s`);
    signal.throwIfAborted();
    if (end.code === 0) return;
    const said = foreignText(end.stderr);
    throw failed(`ended with ${end.code ?? end.signal}${said === '' ? '' : `: ${said}`}`);
  });
}

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

function run(command: string, directory: string, clock: Clock, signal: AbortSignal): Promise<Ended> {
  const { PATH, HOME } = process.env;
  const { spawn } = childProcesses();
  const child = spawn('/bin/sh', ['-c', command], {
    env: { PATH, HOME, _OUTPUT_DIR: directory },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  const onAbort = (): void => endGroup(child);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  return new Promise<Ended>((resolve, reject) => {
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-MAX_STDERR_LENGTH);
    });
    child.once('error', reject);
    // Not `close`: a gateway started by the command may keep its output open forever.
    child.once('exit', (code, by) => {
      void clock.sleep(code === 0 ? 0 : DRAIN_MS, signal).then(() => {
        child.stderr.destroy();
        resolve({ code, signal: by, stderr });
      });
    });
  }).finally(() => signal.removeEventListener('abort', onAbort));
}
