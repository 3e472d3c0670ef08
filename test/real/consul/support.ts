import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, type TestContext } from 'node:test';
import { certificates } from '../../e2e/support/bed.ts';
import { type Daemon, type LogLine, startDaemon } from '../../e2e/support/daemon.ts';
import { EACH_ATTEMPT } from '../../e2e/support/each-attempt.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { Report, unhurried } from '../../e2e/support/report.ts';
import { temporary } from '../../e2e/support/temporary.ts';
import {
  type ConsulTls,
  type RealConsul,
  type RealConsulOptions,
  startRealConsul,
} from '../../fixtures/servers/real-consul.ts';
import { verify } from '../openssl.ts';

const FILES = ['tls.crt', 'tls.key', 'ca.crt', 'secret.yaml', 'service.yaml'];

/** The backoff after the first failures, and some room. */
const RECOVERED_WITHIN_MS = 20_000;
/** A server delays the leaf by up to 30 s, and a secondary datacenter once more. */
const ROTATED_WITHIN_MS = 90_000;
/** Long enough for a write that should not happen to happen. */
export const SETTLED_MS = 3_000;
/** The least that the connector's token needs. */
export const MINIMAL = 'service "ambassador" { policy = "write" }';

export type Variables = Readonly<Record<string, string>>;

/** Starts one Consul for the tests of a file and ends it after them. */
export function useConsul(options: RealConsulOptions) {
  let consul: RealConsul | undefined;
  before(async () => {
    consul = await startRealConsul(options);
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

/** The address of a Consul for plain HTTP. */
export function plain(consul: RealConsul): Record<string, string> {
  return { _CONSUL_HOST: consul.address.host, _CONSUL_PORT: String(consul.address.port) };
}

/** The HTTPS port and certificates of a Consul that has one. */
export function tlsOf({ tls }: RealConsul): ConsulTls {
  return tls ?? assert.fail('it has no HTTPS port');
}

/** The files of mutual TLS. */
export function mutual(consul: RealConsul): Record<string, string> {
  const { caFile, clientCertificateFile, clientKeyFile } = tlsOf(consul);
  return {
    CONSUL_CACERT: caFile,
    CONSUL_CLIENT_CERT: clientCertificateFile,
    CONSUL_CLIENT_KEY: clientKeyFile,
  };
}

/**
 * Starts a daemon that publishes into a folder, and ends it after the test. Its queries block for a second, so that a
 * revocation soon takes effect.
 */
export function startInto(t: TestContext, folder: string, env: Variables): Daemon {
  const daemon = startDaemon({ _OUTPUT_DIR: folder, _CONSUL_WAIT: '1s', ...EACH_ATTEMPT, ...env });
  t.after(() => (daemon.running ? daemon.stop('SIGKILL') : daemon.exited));
  return daemon;
}

/** The files of a folder, and when each was written; undefined for one that is missing. */
export function contents(folder: string): Record<string, { text: string; writtenAt: number } | undefined> {
  return Object.fromEntries(
    FILES.map((name) => {
      const path = join(folder, name);
      const writtenAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
      return [name, writtenAt === undefined ? undefined : { text: readFileSync(path, 'utf8'), writtenAt }];
    }),
  );
}

/** Starts a daemon that publishes into a folder of its own. Resolves when it is ready. */
export async function startReady(t: TestContext, env: Variables) {
  const folder = temporary();
  const daemon = startInto(t, folder, env);
  await daemon.ready();
  return { daemon, folder, before: contents(folder) };
}

/** A folder with what an earlier daemon has published, which logged no failure. */
export async function published(t: TestContext, env: Variables) {
  const { daemon, folder } = await startReady(t, env);
  await daemon.stop();
  assertNoFailure(daemon);
  const before = contents(folder);
  assert.ok(
    Object.values(before).every((file) => file !== undefined),
    'every file was published',
  );
  return { folder, before };
}

/** The first log line of a failure of that code. */
export function failure(daemon: Daemon, code: string): Promise<LogLine> {
  return daemon.line((line) => line['code'] === code, RECOVERED_WITHIN_MS);
}

/** Resolves once no query to Consul fails: `/readyz` lists these failures beside the state of what is published. */
export async function recovered(daemon: Daemon, withinMs = RECOVERED_WITHIN_MS): Promise<void> {
  const isOk = async () => (await daemon.get('/readyz')).text.trim() === 'ok';
  await eventually(() => `it recovers, after\n${daemon.stdout}`, isOk, withinMs);
}

/** Fails if a line of the log so far has an error code. */
export function assertNoFailure({ logs, stdout }: Daemon): void {
  assert.ok(!logs.some(({ code }) => code !== undefined), stdout);
}

/** Checks that `check` passes: for a folder, so that no row is about a cluster. */
export async function passes(env: Variables): Promise<void> {
  assert.deepEqual((await checkOf(env)).notPassed, []);
}

/** Checks that this row of `check` fails with that code, that no other fails, and that the rows after it are skipped. */
export async function fails(env: Variables, check: string, code: string) {
  const report = await checkOf(env);
  const [firstFail, ...others] = report.rows.filter(({ status }) => status === 'fail');
  assert.ok(firstFail !== undefined);
  assert.deepEqual([firstFail.check, firstFail.code], [check, code], firstFail.detail);
  assert.deepEqual(others, []);
  assert.equal(report.row('chain')?.status, 'skipped');
  return firstFail;
}

export function checkOf(env: Variables): Promise<Report> {
  return Report.of(startDaemon({ ...unhurried(), _OUTPUT_DIR: temporary(), ...env }, ['check', '--json']));
}

/** Checks the cause and the remedy of a failure. */
export function assertSays(line: LogLine, cause: RegExp, remedy: RegExp): void {
  assert.match(String(line['error']), cause);
  assert.match(String(line['remedy']), remedy);
}

/** The text of a published file; empty if it is missing. */
export function read(folder: string, name: string): string {
  return contents(folder)[name]?.text ?? '';
}

/** Publishes into a folder, then rotates the root: first both roots are written, then the leaf of the new one. */
export async function assertRotates(t: TestContext, env: Variables, authority: RealConsul): Promise<void> {
  const { daemon, folder } = await startReady(t, env);
  const before = read(folder, 'tls.crt');

  await authority.rotateRoot();

  const bothRoots = () => certificates(read(folder, 'ca.crt')).length === 2;
  await eventually('both roots', bothRoots, ROTATED_WITHIN_MS);
  assert.equal(read(folder, 'tls.crt'), before);
  await eventually('the leaf', () => read(folder, 'tls.crt') !== before, ROTATED_WITHIN_MS);
  const [active] = certificates(read(folder, 'ca.crt'));
  await verify(read(folder, 'tls.crt'), String(active));
  assert.equal(await daemon.metric('writes_total', 'object="identity"'), 3);
}
