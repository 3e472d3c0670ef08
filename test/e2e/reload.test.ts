import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { parse } from 'yaml';
import { type Bed, certificates, makeBed } from './support/bed.ts';
import type { LogLine } from './support/daemon.ts';
import { eventually } from './support/eventually.ts';
import { fastTimeOf } from './support/fast-time.ts';

const WITHIN_MS = 60_000;

function reloadFailed({ msg, code }: LogLine): boolean {
  return msg === 'publishing failed, retrying' && code === 'RELOAD_FAILED';
}

async function folderBed(t: TestContext): Promise<{ bed: Bed; folder: string; env: Record<string, string> }> {
  const bed = await makeBed(t);
  const folder = mkdtempSync(join(tmpdir(), 'reload-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return { bed, folder, env: { _OUTPUT_DIR: join(folder, 'out'), KUBECONFIG: '' } };
}

function linesOf(file: string): readonly string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
}

describe('a reload of what reads the folder', { concurrency: 4 }, () => {
  test('is made once for each set of files, and not again after a restart', async (t) => {
    const { bed, folder, env } = await folderBed(t);
    const tellings = join(folder, 'tellings');
    // What it reads is the set that it is told of.
    const _OUTPUT_RELOAD_COMMAND = `grep -c BEGIN "$_OUTPUT_DIR/ca.crt" >> ${tellings}`;
    const daemon = await bed.startReady({ ...env, _OUTPUT_RELOAD_COMMAND });
    await daemon.line('told the gateway to reload the files');
    assert.deepEqual(linesOf(tellings), ['1']);

    await bed.consul.rotateRoot({ leafDelayMs: 0 });
    const root = new X509Certificate(bed.consul.activeRoot.authority.certPem);
    const written = () => daemon.logs.filter(({ msg }) => msg === 'published the identity');
    const isFollowed = () => {
      const leaf = new X509Certificate(readFileSync(join(env['_OUTPUT_DIR'] ?? '', 'tls.crt')));
      const serial = leaf.serialNumber.toLowerCase();
      return leaf.checkIssued(root) && written().some((line) => line['serial'] === serial);
    };
    await eventually('the new leaf is published, and told', isFollowed, WITHIN_MS);
    const told = () => daemon.logs.filter(({ msg }) => msg === 'told the gateway to reload the files');
    await eventually('each write is told', () => told().length === written().length, WITHIN_MS);
    await daemon.stop();
    const before = linesOf(tellings);
    assert.equal(before.length, written().length);
    assert.equal(before.at(-1), '2');

    const second = await bed.startReady({ ...env, _OUTPUT_RELOAD_COMMAND });
    assert.deepEqual(linesOf(tellings), before);
    await second.stop();
  });

  test('that fails makes the daemon unready, says why, and is tried again', async (t) => {
    const { bed, folder, env } = await folderBed(t);
    const works = join(folder, 'works');
    const daemon = bed.start({
      ...env,
      _OUTPUT_RELOAD_COMMAND: `test -e ${works} || { echo no config >&2; exit 3; }`,
    });

    const { error, remedy } = await daemon.line(reloadFailed);
    assert.equal(error, 'the reload command ended with 3: no config');
    assert.match(String(remedy), /_OUTPUT_RELOAD_COMMAND by hand/);
    assert.equal(await daemon.metric('unready', 'reason="service"'), 1);
    writeFileSync(works, '');

    await daemon.ready();
    await daemon.line('told the gateway to reload the files');
  });

  test('that hangs is ended with all that it started, and holds nothing up', async (t) => {
    const { bed, folder, env } = await folderBed(t);
    const child = join(folder, 'child');
    const daemon = bed.start({
      ...env,
      ...fastTimeOf(5, Date.now()),
      _OUTPUT_RELOAD_COMMAND: `sleep 3600 & echo $! > ${child}; wait`,
    });

    const { error } = await daemon.line(reloadFailed, WITHIN_MS);
    assert.equal(error, 'the reload command did not end within 30 s');
    // The first one; another may have begun.
    const { code } = await daemon.stop();
    assert.equal(code, 0);
    await eventually('its child has ended', () => !runs(Number(linesOf(child)[0])), WITHIN_MS);
  });

  test('by a signal is for the process of the file, and nobody is told while there is none', async (t) => {
    const { bed, folder, env } = await folderBed(t);
    const pidFile = join(folder, 'gateway.pid');
    const setting = { ...env, _OUTPUT_RELOAD_SIGNAL: 'USR2', _OUTPUT_RELOAD_PID_FILE: pidFile };
    const daemon = await bed.startReady(setting);
    let signals = 0;
    const count = () => {
      signals += 1;
    };
    process.on('SIGUSR2', count);
    t.after(() => process.removeListener('SIGUSR2', count));
    assert.equal(signals, 0);

    writeFileSync(pidFile, `${process.pid}\n`);
    await bed.consul.rotateRoot({ leafDelayMs: 0 });
    await eventually('a signal', () => signals > 0, WITHIN_MS);
    await daemon.line('told the gateway to reload the files');
  });

  for (const [content, why] of [
    ['-1', 'it holds no process ID'],
    ['0', 'it holds no process ID'],
    ['not a number', 'it holds no process ID'],
  ]) {
    test(`by a signal to "${content}" is refused`, async (t) => {
      const { bed, folder, env } = await folderBed(t);
      const pidFile = join(folder, 'gateway.pid');
      writeFileSync(pidFile, content ?? '');
      const daemon = bed.start({ ...env, _OUTPUT_RELOAD_SIGNAL: 'HUP', _OUTPUT_RELOAD_PID_FILE: pidFile });

      const { error } = await daemon.line(reloadFailed);
      assert.equal(error, `SIGHUP could not be sent by ${pidFile} (${why})`);
    });
  }
});

test('the extra files are the certificate with its key, and what Envoy reads the folder by', async (t) => {
  const { bed, env } = await folderBed(t);
  const at = (name: string) => readFileSync(join(env['_OUTPUT_DIR'] ?? '', name), 'utf8');
  await bed.startReady({ ...env, _OUTPUT_EXTRA_FILES: 'pem,envoy' });

  assert.equal(at('tls.pem'), at('tls.crt') + at('tls.key'));
  assert.equal(certificates(at('tls.pem')).length, 1);
  const { tls_certificate: identity } = parse(at('envoy-identity.yaml')).resources[0];
  assert.equal(identity.private_key.filename, join(env['_OUTPUT_DIR'] ?? '', 'tls.key'));
  assert.equal(identity.watched_directory.path, env['_OUTPUT_DIR']);
  assert.match(at('envoy-roots.yaml'), /trusted_ca/);
});

test('keystore and truststore are what is published as openssl reads it; one that is edited is put right', async (t) => {
  const { bed, env } = await folderBed(t);
  const directory = env['_OUTPUT_DIR'] ?? '';
  const at = (name: string) => readFileSync(join(directory, name));
  const pem = (name: string, ...args: string[]) =>
    execFileSync('openssl', ['pkcs12', '-in', join(directory, name), '-passin', 'pass:changeit', ...args], {
      encoding: 'utf8',
    });
  const stores = { ...env, _OUTPUT_EXTRA_FILES: 'pkcs12' };
  const first = await bed.startReady(stores);

  const key = pem('keystore.p12', '-nodes', '-nocerts');
  assert.ok(createPrivateKey(key).equals(createPrivateKey(at('tls.key'))));
  assert.deepEqual(certificates(pem('keystore.p12', '-nokeys')), certificates(String(at('tls.crt'))));
  assert.deepEqual(certificates(pem('truststore.p12', '-nokeys')), certificates(String(at('ca.crt'))));
  assert.throws(() => pem('keystore.p12', '-passin', 'pass:another', '-nokeys'), /invalid password/i);
  const modes = ['keystore.p12', 'truststore.p12'].map(
    (name) => statSync(join(directory, name)).mode & 0o777,
  );
  assert.deepEqual(modes, [0o600, 0o644]);
  await first.stop();

  const [set, store] = [readlinkSync(join(directory, '..current')), at('keystore.p12')];
  await bed.startReady(stores);
  assert.equal(readlinkSync(join(directory, '..current')), set);

  writeFileSync(join(directory, 'keystore.p12'), Buffer.alloc(100));
  await eventually('the keystore is as it was', () => at('keystore.p12').equals(store));
});

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
