import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertWorks, makeBed } from './support/bed.ts';
import { eventually } from './support/eventually.ts';
import { Report } from './support/report.ts';
import { temporary } from './support/temporary.ts';

const FILES = ['tls.crt', 'tls.key', 'ca.crt', 'secret.yaml', 'service.yaml'];
const KILLS = 3;
const MAX_LIFE_MS = 300;
/** The folder is watched a moment after it was created. */
const WATCHED_AFTER_MS = 1_500;

function read(directory: string, name: string): string | undefined {
  try {
    return readFileSync(join(directory, name), 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * Whether a reader that opens one folder for all files finds a set; false if it is missing, or was replaced meanwhile.
 * @throws AssertionError if the set is not valid
 */
function isPublished(directory: string): boolean {
  let set: string[];
  try {
    const current = realpathSync(join(directory, '..current'));
    set = ['tls.crt', 'ca.crt', 'tls.key'].map((name) => readFileSync(join(current, name), 'utf8'));
  } catch {
    return false;
  }
  const [certificate = '', bundle = '', key = ''] = set;
  const leaf = assertWorks(certificate, bundle);
  assert.ok(leaf.checkPrivateKey(createPrivateKey(key)), 'the key belongs to another certificate');
  return true;
}

test('publishing into a folder', async (t) => {
  const bed = await makeBed(t);
  const directory = join(temporary(), 'made', 'by', 'it');
  await bed.startReady({ _OUTPUT_DIR: directory, KUBECONFIG: '' });
  assert.ok(isPublished(directory));
  await sleep(WATCHED_AFTER_MS);

  await t.test('restores each file that is deleted', async () => {
    for (const name of FILES) {
      const before = read(directory, name);

      rmSync(join(directory, name));

      await eventually(`${name} is restored`, () => read(directory, name) !== undefined);
      // If the manifest of the Secret is gone, the time of the write is lost.
      if (name !== 'secret.yaml') assert.equal(read(directory, name), before);
    }
  });

  await t.test('36: restores a file that is edited in place, through its link, or replaced', async () => {
    const before = read(directory, 'tls.crt');

    writeFileSync(join(directory, 'tls.crt'), 'edited in place');
    await eventually('it is restored', () => read(directory, 'tls.crt') === before);
    rmSync(join(directory, 'tls.crt'));
    writeFileSync(join(directory, 'tls.crt'), 'not a certificate');
    await eventually('it is restored', () => read(directory, 'tls.crt') === before);
  });

  await t.test('36: creates a removed folder again', async () => {
    await eventually('it is removed', () => {
      try {
        rmSync(directory, { recursive: true, force: true });
        return true;
      } catch {
        // The daemon wrote there meanwhile; Node's own `maxRetries` does not list the folder again.
        return false;
      }
    });
    await eventually('it is published', () => isPublished(directory));
  });
});

test('36: killed between two files: readers never see a half-changed set', async (t) => {
  const bed = await makeBed(t);
  const directory = temporary();
  const env = { _OUTPUT_DIR: directory, KUBECONFIG: '' };
  const stop = new AbortController();
  t.after(() => stop.abort());
  let seen = 0;
  const reading = (async () => {
    while (!stop.signal.aborted) {
      if (isPublished(directory)) seen += 1;
      await sleep(5);
    }
  })();

  for (let kill = 0; kill < KILLS; kill += 1) {
    // The published set is of another root, so that there is something to write.
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
  assert.ok(isPublished(directory));
});

test('36: a folder that cannot be created is a FAIL of check, unready with the reason, and published once it can be', async (t) => {
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
  assert.ok(isPublished(join(parent, 'output')));
});
