import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { existsSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { certificates, makeBed } from './support/bed.ts';
import type { LogLine } from './support/daemon.ts';
import { eventually } from './support/eventually.ts';
import { fastTimeOf } from './support/fast-time.ts';
import { isAlive } from './support/hanging.ts';
import { temporary } from './support/temporary.ts';

function reloadFailed({ msg, code }: LogLine): boolean {
  return msg === 'publishing failed, retrying' && code === 'RELOAD_FAILED';
}

async function folderBed(t: TestContext) {
  const bed = await makeBed(t);
  const folder = temporary();
  const directory = join(folder, 'out');
  return { bed, folder, directory, env: { _OUTPUT_DIR: directory, KUBECONFIG: '' } };
}

describe('a reload of what reads the folder', { concurrency: 4 }, () => {
  test('is made once for each set of files, which it reads, and not again after a restart', async (t) => {
    const { bed, folder, env } = await folderBed(t);
    const counts = join(folder, 'counts');
    const reloads = () => (existsSync(counts) ? readFileSync(counts, 'utf8').trim().split('\n') : []);
    const command = { _OUTPUT_RELOAD_COMMAND: `grep -c BEGIN "$_OUTPUT_DIR/ca.crt" >> ${counts}` };
    const daemon = await bed.startReady({ ...env, ...command });
    await daemon.line('reloaded the gateway');
    assert.deepEqual(reloads(), ['1']);

    await bed.consul.rotateRoot({ leafDelayMs: 0 });
    await eventually('a reload with both roots', () => reloads().at(-1) === '2');
    await daemon.line(({ reason }) => /^inactive-root/.test(String(reason)));
    await daemon.stop();
    const before = reloads();
    const written = daemon.logs.filter(({ msg }) => msg === 'published the identity');
    assert.equal(before.length, written.length);

    await bed.startReady({ ...env, ...command });
    assert.deepEqual(reloads(), before);
  });

  test('that fails makes the daemon unready, says why, and is repeated', async (t) => {
    const { bed, folder, env } = await folderBed(t);
    const works = join(folder, 'works');
    const _OUTPUT_RELOAD_COMMAND = `test -e ${works} || { echo no config >&2; exit 3; }`;
    const daemon = bed.start({ ...env, _OUTPUT_RELOAD_COMMAND });

    const { error, remedy } = await daemon.line(reloadFailed);
    assert.equal(error, 'the reload command ended with 3: no config');
    assert.match(String(remedy), /_OUTPUT_RELOAD_COMMAND by hand/);
    assert.equal(await daemon.metric('unready', 'reason="service"'), 1);
    writeFileSync(works, '');

    await daemon.ready();
    await daemon.line('reloaded the gateway');
  });

  test('that hangs is ended with all that it started, and delays nothing', async (t) => {
    const { bed, folder, env } = await folderBed(t);
    const child = join(folder, 'child');
    // The first one; another may have begun.
    const _OUTPUT_RELOAD_COMMAND = `sleep 3600 & test -e ${child} || echo $! > ${child}; wait`;
    const daemon = bed.start({ ...env, ...fastTimeOf(5, Date.now()), _OUTPUT_RELOAD_COMMAND });

    const { error } = await daemon.line(reloadFailed);
    assert.equal(error, 'the reload command did not end within 30 s');
    assert.equal((await daemon.stop()).code, 0);
    await eventually('its child has ended', () => !isAlive(child));
  });

  test('by a signal to what is no process ID is refused', async (t) => {
    const { bed, folder, env } = await folderBed(t);
    const pidFile = join(folder, 'gateway.pid');
    writeFileSync(pidFile, '-1');
    const daemon = bed.start({ ...env, _OUTPUT_RELOAD_SIGNAL: 'HUP', _OUTPUT_RELOAD_PID_FILE: pidFile });

    const { error } = await daemon.line(reloadFailed);
    assert.equal(error, `SIGHUP could not be sent to the process of ${pidFile} (it contains no process ID)`);
  });
});

test('keystore and truststore are what is published as openssl reads it; one that is edited is restored', async (t) => {
  const { bed, directory, env } = await folderBed(t);
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
