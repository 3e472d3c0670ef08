import { ABORTED, type Clock } from '../../../lib/clock.ts';
import { orAborted } from '../../../lib/or-aborted.ts';
import { childProcesses, endGroup } from '../../../lib/process-group.ts';
import { isRecord } from '../../../lib/record.ts';

/** The used fields of `users[].user.exec` in a kubeconfig. */
export interface ExecPluginConfig {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly apiVersion: string;
}

/** The answer of a plugin (client.authentication.k8s.io, ExecCredential). */
export interface ExecCredential {
  readonly token: string | undefined;
  readonly clientCertificate: string | undefined;
  readonly clientKey: string | undefined;
  /** Milliseconds since the epoch; infinite if the answer has no expiry. */
  readonly expiresAt: number;
}

const MAX_ANSWER_LENGTH = 1024 * 1024;
const DEFAULT_API_VERSION = 'client.authentication.k8s.io/v1';
/** A child in a session of its own cannot be killed, and may keep the output open. */
const DRAIN_MS = 500;

/**
 * Runs the credential plugin of a kubeconfig. client-node would wait forever for one that does not exit, or whose children keep
 * its output open. Concurrent requests share one run.
 */
export class ExecPlugin {
  readonly #config: ExecPluginConfig;
  readonly #clock: Clock;
  #credential: ExecCredential | undefined;
  #run: Run | undefined;

  constructor(config: ExecPluginConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
  }

  get command(): string {
    return this.#config.command;
  }

  /**
   * The current credential. The plugin and its children are killed once every waiting `signal` has aborted.
   *
   * @throws the plugin's error; `signal.reason` when that aborts
   */
  async credential(signal: AbortSignal): Promise<ExecCredential> {
    if (this.#credential !== undefined && this.#clock.now() < this.#credential.expiresAt)
      return this.#credential;
    const run = this.#run ?? this.#start();
    this.#run = run;
    run.waiting += 1;
    try {
      return await orAborted(run.credential, signal);
    } finally {
      run.waiting -= 1;
      if (run.waiting === 0) {
        run.end();
        this.#run = undefined;
      }
    }
  }

  #start(): Run {
    const { output, end } = startPlugin(this.#config, this.#clock);
    const credential = output.then((text) => {
      this.#credential = decodeCredential(text);
      return this.#credential;
    });
    // It may fail after the last caller has stopped waiting.
    credential.catch(() => undefined);
    return { credential, end, waiting: 0 };
  }
}

interface Run {
  readonly credential: Promise<ExecCredential>;
  waiting: number;
  end(): void;
}

/** `output` is its output once it has exited with 0; `end` kills it and its children. */
function startPlugin(
  { command, args, env, apiVersion }: ExecPluginConfig,
  clock: Clock,
): { output: Promise<string>; end: () => void } {
  const info = { apiVersion, kind: 'ExecCredential', spec: { interactive: false } };
  // In its own process group, so that it can be killed with its children.
  const { spawn } = childProcesses();
  const child = spawn(command, args, {
    env: { ...process.env, KUBERNETES_EXEC_INFO: JSON.stringify(info), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const ended = new AbortController();
  const closePipes = (): void => {
    child.stdout.destroy();
    child.stderr.destroy();
  };
  const end = (): void => {
    if (ended.signal.aborted) return;
    endGroup(child);
    closePipes();
  };
  process.once('exit', end);
  const output = new Promise<string>((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (stdout.length > MAX_ANSWER_LENGTH) end();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(0, MAX_ANSWER_LENGTH);
    });
    child.once('error', reject);
    child.once('exit', () => {
      // Processes that it leaves behind may keep its output open forever.
      endGroup(child);
      void clock.sleep(DRAIN_MS, ended.signal).then(closePipes);
    });
    child.once('close', (code, signal) => {
      if (code === 0) resolve(stdout);
      else reject(new Error(stderr.trim() || `it ended with ${code ?? signal}`));
    });
  }).finally(() => {
    ended.abort(ABORTED);
    process.removeListener('exit', end);
  });
  return { output, end };
}

/** @throws Error if it is not a valid `exec` of a kubeconfig */
export function decodeExec(exec: unknown): ExecPluginConfig {
  const { command, args, env, apiVersion } = isRecord(exec) ? exec : {};
  if (typeof command !== 'string' || command === '') throw new Error('its exec names no command');
  const variables: readonly unknown[] = Array.isArray(env) ? env : [];
  return {
    command,
    args: Array.isArray(args) ? args.map(String) : [],
    env: Object.fromEntries(
      variables.flatMap((each) =>
        isRecord(each) ? [[String(each['name']), String(each['value'] ?? '')]] : [],
      ),
    ),
    apiVersion: typeof apiVersion === 'string' ? apiVersion : DEFAULT_API_VERSION,
  };
}

function decodeCredential(output: string): ExecCredential {
  const answer: unknown = JSON.parse(output);
  const status = isRecord(answer) ? answer['status'] : undefined;
  if (!isRecord(status)) throw new Error('its answer holds no ExecCredential');
  const text = (key: string): string | undefined => {
    const value = status[key];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const expiresAt = Date.parse(text('expirationTimestamp') ?? '');
  return {
    token: text('token'),
    clientCertificate: text('clientCertificateData'),
    clientKey: text('clientKeyData'),
    expiresAt: Number.isNaN(expiresAt) ? Number.POSITIVE_INFINITY : expiresAt,
  };
}
