import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext } from 'node:test';
import { BROWSER, type Daemon, type LogLine, startDaemon } from '../../e2e/support/daemon.ts';
import { EACH_ATTEMPT } from '../../e2e/support/each-attempt.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import {
  type RealConsul,
  type RealConsulOptions,
  startRealConsul,
} from '../../fixtures/servers/real-consul.ts';

const FILES = ['tls.crt', 'tls.key', 'ca.crt', 'secret.yaml', 'service.yaml'];

/** All that must be mended before it is tried again, at most: the backoff after the first failures. */
export const MENDED_WITHIN_MS = 20_000;

/** Starts one Consul for the tests of a file and ends it after them. */
export function useConsul(options: RealConsulOptions, prepare = async (): Promise<void> => undefined) {
  let consul: RealConsul | undefined;
  before(async () => {
    consul = await startRealConsul(options);
    await prepare();
  });
  after(() => consul?.stop());
  return (): RealConsul => {
    assert.ok(consul !== undefined, 'the real Consul has not started');
    return consul;
  };
}

/** The same with a second one that needs the first. */
export function useTwoConsuls(options: RealConsulOptions, second: (first: RealConsul) => RealConsulOptions) {
  const started: RealConsul[] = [];
  before(async () => {
    const first = await startRealConsul(options);
    started.push(first);
    started.push(await startRealConsul(second(first)));
  });
  after(() => Promise.all(started.reverse().map((consul) => consul.stop())));
  return (): [first: RealConsul, second: RealConsul] => {
    const [first, other] = started;
    assert.ok(first !== undefined && other !== undefined, 'both Consuls have started');
    return [first, other];
  };
}

/** Where to find a Consul in plain HTTP. */
export function plain(consul: RealConsul): Record<string, string> {
  return { _CONSUL_HOST: consul.address.host, _CONSUL_PORT: String(consul.address.port) };
}

/** What a test has made, ended after it: the daemons first, which write into the folders. */
interface Made {
  readonly daemons: Daemon[];
  readonly folders: string[];
}

const made = new WeakMap<TestContext, Made>();

function madeBy(t: TestContext): Made {
  const known = made.get(t);
  if (known !== undefined) return known;
  const fresh: Made = { daemons: [], folders: [] };
  made.set(t, fresh);
  t.after(async () => {
    await Promise.all(
      fresh.daemons.map((daemon) => (daemon.running ? daemon.stop('SIGKILL') : daemon.exited)),
    );
    for (const folder of fresh.folders) rmSync(folder, { recursive: true, force: true });
  });
  return fresh;
}

/** A folder for one test. */
export function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'real-consul-test-'));
  madeBy(t).folders.push(folder);
  return folder;
}

/**
 * Starts a daemon that publishes into a folder, with blocks of a second, so that what is revoked shows soon. It is ended
 * after the test.
 */
export function startInto(t: TestContext, folder: string, env: Readonly<Record<string, string>>): Daemon {
  const daemon = startDaemon({ _OUTPUT_DIR: folder, _CONSUL_WAIT: '1s', ...EACH_ATTEMPT, ...env });
  madeBy(t).daemons.push(daemon);
  return daemon;
}

/** What a folder holds, and when each file was written; undefined for one that is not there. */
export function contents(folder: string): Record<string, { text: string; writtenAt: number } | undefined> {
  return Object.fromEntries(
    FILES.map((name) => {
      const path = join(folder, name);
      const writtenAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
      return [name, writtenAt === undefined ? undefined : { text: readFileSync(path, 'utf8'), writtenAt }];
    }),
  );
}

/** A folder with what a daemon of before has published. */
export async function published(
  t: TestContext,
  env: Readonly<Record<string, string>>,
): Promise<{ folder: string; before: ReturnType<typeof contents> }> {
  const folder = folderFor(t);
  const daemon = startInto(t, folder, env);
  await daemon.ready();
  await daemon.stop();
  const before = contents(folder);
  assert.ok(
    Object.values(before).every((file) => file !== undefined),
    'every file was published',
  );
  return { folder, before };
}

/** The first log line of a failure of that code. */
export function failure(daemon: Daemon, code: string): Promise<LogLine> {
  return daemon.line((line) => line['code'] === code, MENDED_WITHIN_MS);
}

/** Resolves once no question to Consul fails any more: `/readyz` is about what is published, and has this beside it. */
export async function recovered(daemon: Daemon, withinMs = MENDED_WITHIN_MS): Promise<void> {
  const asksWell = async () => (await daemon.get('/readyz')).text.trim() === 'ok';
  await eventually(() => `it recovers, after\n${daemon.stdout}`, asksWell, withinMs);
}

/** That a failure says what is wrong and what to do. */
export function assertSays(line: LogLine, cause: RegExp, remedy: RegExp): void {
  assert.match(String(line['error']), cause);
  assert.match(String(line['remedy']), remedy);
}

/** Everything a daemon has put out: its log, its status port, and its files. */
export async function allOutput(daemon: Daemon, folder: string): Promise<string> {
  for (const path of ['/', '/livez', '/readyz', '/metrics']) await daemon.get(path, BROWSER);
  const files = Object.values(contents(folder)).map((file) => file?.text ?? '');
  return [daemon.stdout, daemon.stderr, daemon.served, ...files].join('\n');
}
