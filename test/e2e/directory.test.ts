import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { assertWorks, certificates, makeBed } from './support/bed.ts';
import { eventually } from './support/eventually.ts';
import { Report } from './support/report.ts';
import { temporary } from './support/temporary.ts';

const FILES = ['tls.crt', 'tls.key', 'ca.crt', 'secret.yaml', 'service.yaml'];
const KILLS = 3;
const MAX_LIFE_MS = 300;
/** The folder is watched a moment after it was made. */
const WATCHED_AFTER_MS = 1_500;

function read(directory: string, name: string): string | undefined {
  try {
    return readFileSync(join(directory, name), 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * Whether a reader that opens one folder for all files finds a set; false where that was replaced meanwhile or is not there.
 * @throws AssertionError where it finds one that does not work
 */
function isThere(directory: string): boolean {
  let set: string[];
  try {
    const current = realpathSync(join(directory, '..current'));
    set = ['tls.crt', 'ca.crt', 'tls.key'].map((name) => readFileSync(join(current, name), 'utf8'));
  } catch {
    return false;
  }
  const [certificate = '', bundle = '', key = ''] = set;
  const leaf = assertWorks(certificate, bundle);
  assert.ok(leaf.checkPrivateKey(createPrivateKey(key)), 'the key is of another certificate');
  return true;
}

test('publishing into a folder', async (t) => {
  const bed = await makeBed(t);
  const directory = join(temporary(), 'made', 'by', 'it');
  const env = { _OUTPUT_DIR: directory, KUBECONFIG: '' };
  const daemon = await bed.startReady(env);
  await sleep(WATCHED_AFTER_MS);

  await t.test('needs no cluster and makes files that work, with manifests beside them', () => {
    assert.ok(isThere(directory));
    assert.equal(statSync(join(directory, 'tls.key')).mode & 0o777, 0o600);
    assert.equal(parse(read(directory, 'secret.yaml') ?? '').type, 'kubernetes.io/tls');
    assert.match(read(directory, 'service.yaml') ?? '', /secret: ambassador-consul-connect/);
    assert.deepEqual(bed.cluster.requests, []);
  });

  for (const name of FILES) {
    await t.test(`restores ${name} when it is deleted`, async () => {
      const before = read(directory, name);

      rmSync(join(directory, name));

      await eventually('it is back', () => read(directory, name) !== undefined);
      // Only the time of the write is lost, if the Secret's manifest is gone.
      if (name !== 'secret.yaml') assert.equal(read(directory, name), before);
    });
  }

  await t.test('36: restores a file that is edited in place, through its link, or replaced', async () => {
    const before = read(directory, 'tls.crt');

    writeFileSync(join(directory, 'tls.crt'), 'edited in place');
    await eventually('it is restored', () => read(directory, 'tls.crt') === before);
    rmSync(join(directory, 'tls.crt'));
    writeFileSync(join(directory, 'tls.crt'), 'not a certificate');
    await eventually('it is restored', () => read(directory, 'tls.crt') === before);
  });

  await t.test('36: makes a folder again that is removed', async () => {
    await eventually('it is removed', () => {
      try {
        rmSync(directory, { recursive: true, force: true });
        return true;
      } catch {
        // The daemon wrote there meanwhile; Node's own `maxRetries` does not look again for what is new in it.
        return false;
      }
    });
    await eventually('it is there', () => isThere(directory));
  });

  await t.test('follows a rotation of the root', async () => {
    const before = read(directory, 'tls.crt');

    await bed.consul.rotateRoot({ leafDelayMs: 500 });

    await eventually('both roots', () => certificates(read(directory, 'ca.crt') ?? '').length === 2);
    await eventually('the new leaf', () => read(directory, 'tls.crt') !== before);
  });

  await t.test('writes nothing when it is started again', async () => {
    await daemon.stop();
    const before = statSync(join(directory, 'secret.yaml')).ino;

    const second = await bed.startReady(env);

    assert.equal(statSync(join(directory, 'secret.yaml')).ino, before, second.stdout);
    assert.equal(await second.metric('writes_total'), 0);
  });
});

test('36: Killed between two files: readers never see a half-changed set', async (t) => {
  const bed = await makeBed(t);
  const directory = temporary();
  const env = { _OUTPUT_DIR: directory, KUBECONFIG: '' };
  const stop = new AbortController();
  t.after(() => stop.abort());
  let seen = 0;
  const reading = (async () => {
    while (!stop.signal.aborted) {
      if (isThere(directory)) seen += 1;
      await sleep(5);
    }
  })();

  for (let kill = 0; kill < KILLS; kill += 1) {
    // What is there was written by another root, so that there is something to write.
    await bed.consul.rotateRoot({ leafDelayMs: 0 });
    const daemon = bed.start(env);
    await daemon.line('published the identity');
    const dies = sleep(Math.random() * MAX_LIFE_MS, true);
    while (!(await Promise.race([dies, sleep(15, false)]))) await bed.consul.rotateRoot({ leafDelayMs: 0 });
    await daemon.stop('SIGKILL');
  }
  stop.abort();
  await reading;

  assert.ok(seen > KILLS, `${seen} sets were seen`);
  await bed.startReady(env);
  assert.ok(isThere(directory));
});

test('36: Folder that cannot be made: a FAIL of check, unready with the reason, and published when it can', async (t) => {
  const bed = await makeBed(t);
  const parent = join(temporary(), 'parent');
  writeFileSync(parent, 'a file');
  const env = { _OUTPUT_DIR: join(parent, 'output'), KUBECONFIG: '' };
  const daemon = bed.start(env);
  const { remedy } = await daemon.line(({ code }) => code === 'DIRECTORY_UNWRITABLE');
  assert.match(String(remedy), /_OUTPUT_DIR/);
  await daemon.unready(/cannot be used \(ENOTDIR\)/);
  const { firstFail } = await Report.of(bed.start(env, ['check', '--json']));
  assert.deepEqual([firstFail?.check, firstFail?.code], ['directory', 'DIRECTORY_UNWRITABLE']);

  rmSync(parent);

  await daemon.ready();
  assert.ok(isThere(join(parent, 'output')));
});
