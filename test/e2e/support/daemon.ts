import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { bundle } from './bundle.ts';
import { eventually } from './eventually.ts';
import { handOutPassword, handOutToken, searchAtTheEnd } from './secrets.ts';

/** One parsed line of the log. */
export type LogLine = Readonly<Record<string, unknown>>;

export interface Exit {
  /** Null if a signal ended it. */
  readonly code: number | null;
  /** Milliseconds since the start, or since the signal of `stop`. */
  readonly ms: number;
}

/** A start takes half a second, and twenty on a machine with ten times its load. */
const LINE_WITHIN_MS = 60_000;
const PAGES = ['/', '/livez', '/readyz', '/metrics'];
/** What browsers send, in short. */
export const BROWSER = 'text/html,*/*;q=0.8';
const PAGE_WITHIN_MS = 500;
/** All but the heap's size, which the machine's load would turn into failures. */
const HARDENING = ['--disable-proto=delete', '--disallow-code-generation-from-strings'];
/** Reading Node's own CA list takes 50 ms, and no test needs it. */
const QUICK_START = ['--use-openssl-ca'];
/** The folder of compiled code, which all daemons share. */
export const COMPILED = fileURLToPath(new URL('../../../node_modules/.cache/compiled', import.meta.url));
/** The files that are the Secret itself. */
const SECRET_FILES = ['tls.key', 'tls.pem', 'secret.yaml'];

/** Starts the bundle with nothing in its environment but `env`, by `launcher` if it is given: a program that execs its arguments. */
export function startDaemon(
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  launcher: readonly string[] = [],
): Daemon {
  const path = bundle();
  for (const [name, value] of Object.entries(env)) {
    if (/_TOKEN$/.test(name)) handOutToken(value);
    if (/_(AUTH|PASSWORD)$/.test(name)) handOutPassword(value);
  }
  const [program = process.execPath, ...rest] = [
    ...launcher,
    process.execPath,
    ...HARDENING,
    ...QUICK_START,
    path,
    ...args,
  ];
  const child = spawn(program, rest, {
    cwd: dirname(path),
    env: {
      HOME: dirname(path),
      NODE_COMPILE_CACHE: COMPILED,
      _HTTP_HOST: '127.0.0.1',
      _HTTP_PORT: '0',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const folders = [dirname(path), ...(env['_OUTPUT_DIR'] ? [env['_OUTPUT_DIR']] : [])];
  return new Daemon(child, folders, { showsKey: args.includes('--show-key') });
}

/** The connector as a child process, with all its output. */
export class Daemon {
  readonly startedAt = performance.now();
  readonly exited: Promise<Exit>;
  stdout = '';
  stderr = '';
  /** Everything read from its status port. */
  served = '';
  /** The text of its files, except those of the Secret itself. */
  files = '';
  readonly #child: ChildProcess;
  readonly #parsed: LogLine[] = [];
  #parsedLength = 0;

  /** `folders`: those it may write to. `showsKey`: its output holds a key, so it is not searched for one. */
  constructor(child: ChildProcess, folders: readonly string[] = [], { showsKey = false } = {}) {
    this.#child = child;
    const all = () => `${this.stdout}${this.stderr}${this.served}${this.files}`;
    if (!showsKey) searchAtTheEnd(this, `daemon ${child.pid}`, all);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    // `close` and not `exit`: only then the last line has been read.
    this.exited = new Promise((resolve) => {
      child.once('close', (code) => {
        this.files = folders.map(readFiles).join('');
        resolve({ code, ms: performance.now() - this.startedAt });
      });
    });
  }

  /** Its process ID. */
  get pid(): number {
    return this.#child.pid ?? assert.fail('it has not started');
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Its log so far. @throws SyntaxError if a complete line is not JSON */
  get logs(): readonly LogLine[] {
    const lines = this.stdout.slice(this.#parsedLength).split('\n').slice(0, -1);
    for (const line of lines) {
      this.#parsed.push(JSON.parse(line));
      this.#parsedLength += line.length + 1;
    }
    return this.#parsed;
  }

  /** Resolves with the first log line whose message is `fits`, or for which `fits` returns true. */
  line(fits: string | ((line: LogLine) => boolean), withinMs = LINE_WITHIN_MS): Promise<LogLine> {
    const matches = typeof fits === 'string' ? (line: LogLine) => line['msg'] === fits : fits;
    return eventually(
      () => `a log line ${fits} in\n${this.stdout}${this.stderr}`,
      () => this.logs.find(matches),
      withinMs,
    );
  }

  async get(path: string, accept = '*/*'): Promise<{ status: number; text: string }> {
    const { statusCode, body } = await request(`${await this.url()}${path}`, {
      reset: true,
      headers: { accept },
    });
    const text = await body.text();
    this.served += text;
    return { status: statusCode, text };
  }

  /** The URL of its status port, without a slash at the end. */
  async url(): Promise<string> {
    const { port } = await this.line('serving status');
    return `http://127.0.0.1:${port}`;
  }

  /** The sum of a metric over the lines that hold every one of `labels`, such as `object="identity"`. */
  async metric(name: string, ...labels: readonly string[]): Promise<number> {
    const { text } = await this.get('/metrics');
    return text
      .split('\n')
      .filter((line) => line.startsWith(`ambassador_consul_connector_${name}`))
      .filter((line) => labels.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  /** Resolves once `/readyz` answers 200. */
  async ready(withinMs = LINE_WITHIN_MS): Promise<void> {
    const isReady = async () => (await this.#readyz())?.status === 200;
    await eventually(() => `/readyz answers 200, after\n${this.stdout}${this.stderr}`, isReady, withinMs);
  }

  /** Resolves with the reasons once `/readyz` answers 503 for one that `reason` matches. */
  unready(reason: RegExp, withinMs = LINE_WITHIN_MS): Promise<string> {
    return eventually(
      `/readyz answers 503 for ${reason}`,
      async () => {
        const { status, text = '' } = (await this.#readyz()) ?? {};
        return status === 503 && reason.test(text) && text;
      },
      withinMs,
    );
  }

  /** Undefined without an answer: on a loaded machine, or when its time runs faster, the daemon ends a slow connection. */
  #readyz(): Promise<{ status: number; text: string } | undefined> {
    return this.get('/readyz').catch(() => undefined);
  }

  /** Sends a signal and does not wait for its effect. */
  signal(name: 'SIGUSR1' | 'SIGUSR2' | 'SIGINT' | 'SIGTERM'): void {
    this.#child.kill(name);
  }

  /** Reads every page, for the search for secrets; a daemon that is about to end serves none. */
  async readPages(): Promise<void> {
    if (!this.running || !this.stdout.includes('serving status')) return;
    const read = Promise.all(PAGES.map((path) => this.get(path, BROWSER))).catch(() => undefined);
    await Promise.race([read, sleep(PAGE_WITHIN_MS, undefined, { ref: false })]);
  }

  /** Sends the signal and waits for the end. Before a clean end its pages are read once more. */
  async stop(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL' = 'SIGTERM'): Promise<Exit> {
    if (signal !== 'SIGKILL') await this.readPages();
    const from = performance.now();
    this.#child.kill(signal);
    const { code } = await this.exited;
    return { code, ms: performance.now() - from };
  }
}

/** The text of all files in a folder and below, except those of the Secret and the bundle. */
function readFiles(folder: string): string {
  // A test may have created or removed a file there, and another daemon may be writing there.
  if (!existsSync(`${folder}/`)) return '';
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !SECRET_FILES.includes(entry.name) && !entry.name.endsWith('.js'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, 'utf8'))
    .join('');
}

const STOP_WITHIN_MS = 2_000;
/** How much longer a loaded machine may take to start the signal's handler and to report the end. */
const SCHEDULING_MS = 30_000;

/** Stops `daemon` as Kubernetes does: exit code 0 within two seconds, by its own log, whatever hangs. */
export async function assertStops(daemon: Daemon, signal?: 'SIGTERM' | 'SIGINT'): Promise<void> {
  await assertStopsWith(daemon, { code: 0, message: 'stopped' }, signal);
}

/** The same for one that ends with another code, and with `message` as its last line. */
export async function assertStopsWith(
  daemon: Daemon,
  expected: { readonly code: number; readonly message: string },
  signal?: 'SIGTERM' | 'SIGINT',
): Promise<void> {
  const { code, ms } = await daemon.stop(signal);
  assert.equal(code, expected.code);
  assert.equal(daemon.logs.at(-1)?.['msg'], expected.message, daemon.stdout);
  const at = (message: string): number =>
    Date.parse(String(daemon.logs.find(({ msg }) => msg === message)?.['time']));
  assert.ok(at(expected.message) - at('stopping') < STOP_WITHIN_MS, daemon.stdout);
  assert.ok(ms < STOP_WITHIN_MS + SCHEDULING_MS, `stopped after ${ms} ms:\n${daemon.stdout}`);
}
