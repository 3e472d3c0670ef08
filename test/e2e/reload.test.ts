import assert from 'node:assert/strict';
import { existsSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { makeBed } from './support/bed.ts';
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

describe('a reload of the gateway that reads the folder', { concurrency: 4 }, () => {
  test('runs once for each set of files, which it reads, and not again after a restart', async (t) => {
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

  test('that fails makes the daemon unready, is logged with its cause, and is repeated', async (t) => {
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

  test('that hangs is killed with its child processes, and does not delay a stop', async (t) => {
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

  test('by a signal to an invalid process ID is rejected', async (t) => {
    const { bed, folder, env } = await folderBed(t);
    const pidFile = join(folder, 'gateway.pid');
    writeFileSync(pidFile, '-1');
    const daemon = bed.start({ ...env, _OUTPUT_RELOAD_SIGNAL: 'HUP', _OUTPUT_RELOAD_PID_FILE: pidFile });

    const { error } = await daemon.line(reloadFailed);
    assert.equal(error, `SIGHUP could not be sent to the process of ${pidFile} (it contains no process ID)`);
  });
});

// `real/keystores.test.ts` reads both by Java.
test('keystore and truststore have their modes, stay the same after a restart, and are restored when edited', async (t) => {
  const { bed, directory, env } = await folderBed(t);
  const at = (name: string) => join(directory, name);
  const stores = { ...env, _OUTPUT_EXTRA_FILES: 'pkcs12' };
  const first = await bed.startReady(stores);
  const modes = ['keystore.p12', 'truststore.p12'].map((name) => statSync(at(name)).mode & 0o777);
  assert.deepEqual(modes, [0o600, 0o644]);
  await first.stop();

  const [set, store] = [readlinkSync(at('..current')), readFileSync(at('keystore.p12'))];
  await bed.startReady(stores);
  assert.equal(readlinkSync(at('..current')), set);

  writeFileSync(at('keystore.p12'), Buffer.alloc(100));
  await eventually('the keystore is restored', () => readFileSync(at('keystore.p12')).equals(store));
});
