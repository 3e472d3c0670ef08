import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { chmodSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertWorks, makeBed } from './support/bed.ts';
import { eventually } from './support/eventually.ts';
import { temporary } from './support/temporary.ts';

const KILLS = 5;
const MAX_LIFE_MS = 300;
const RECOVERS_WITHIN_MS = 60_000;

interface PublishedSet {
  readonly certificate: string;
  readonly key: string;
  readonly bundle: string;
}

/** The set a careful reader sees, through one folder; undefined where that was replaced meanwhile or is not there yet. */
function readSet(directory: string): PublishedSet | undefined {
  try {
    const set = realpathSync(join(directory, '..current'));
    const read = (name: string) => readFileSync(join(set, name), 'utf8');
    return { certificate: read('tls.crt'), key: read('tls.key'), bundle: read('ca.crt') };
  } catch {
    return undefined;
  }
}

function assertMatches(set: PublishedSet): void {
  const leaf = assertWorks(set.certificate, set.bundle);
  assert.ok(leaf.checkPrivateKey(createPrivateKey(set.key)), 'the key is of another certificate');
}

/** False where there is no set. @throws AssertionError when there is one that does not work */
function isThere(directory: string): boolean {
  const set = readSet(directory);
  if (set !== undefined) assertMatches(set);
  return set !== undefined;
}

test('36: Killed between two files: readers never see a half-changed set', async (t) => {
  const bed = await makeBed(t);
  const directory = temporary();
  const stop = new AbortController();
  t.after(() => stop.abort());
  let seen = 0;
  const reading = (async () => {
    let last = '';
    while (!stop.signal.aborted) {
      const set = readSet(directory);
      const read = JSON.stringify(set);
      if (set !== undefined) seen += 1;
      if (set !== undefined && read !== last) assertMatches(set);
      last = read;
      await sleep(2);
    }
  })();

  for (let kill = 0; kill < KILLS; kill += 1) {
    // What is there was written by another root, so there is something to write for sure.
    await bed.consul.rotateRoot({ leafDelayMs: 0 });
    const daemon = bed.start({ _OUTPUT_DIR: directory, KUBECONFIG: '' });
    await daemon.line('published the identity');
    const dies = sleep(Math.random() * MAX_LIFE_MS, true);
    while (!(await Promise.race([dies, sleep(15, false)]))) await bed.consul.rotateRoot({ leafDelayMs: 0 });
    await daemon.stop('SIGKILL');
  }
  stop.abort();
  await reading;

  assert.ok(seen > KILLS, `${seen} sets were seen`);
  await bed.startReady({ _OUTPUT_DIR: directory, KUBECONFIG: '' });
  assert.ok(isThere(directory));
});

test('36: Disk full: readers never see a half-changed set, and it is written when there is room', async (t) => {
  const bed = await makeBed(t);
  const directory = temporary();
  const daemon = await bed.startReady({ _OUTPUT_DIR: directory, KUBECONFIG: '' });
  const before = readSet(directory);
  // A limit on the size of a file is what a full disk comes to, and needs neither root nor a mount.
  const limit = (bytes: string) =>
    execFileSync('prlimit', ['--pid', String(daemon.pid), `--fsize=${bytes}:`]);
  limit('100');

  await bed.consul.rotateRoot({ leafDelayMs: 0 });

  const line = await daemon.line(({ code }) => code === 'DIRECTORY_UNWRITABLE');
  assert.match(String(line['error']), /EFBIG/);
  assert.match(String(line['remedy']), /raise the limit/);
  await daemon.unready(/EFBIG/);
  assert.deepEqual(readSet(directory), before);
  limit('unlimited');
  await eventually(
    'the new set',
    () => readSet(directory)?.certificate !== before?.certificate,
    RECOVERS_WITHIN_MS,
  );
  assert.ok(isThere(directory));
});

test('36: Folder missing: made again. A file edited in place, through its link: put right', async (t) => {
  const bed = await makeBed(t);
  const directory = join(temporary(), 'output');
  await bed.startReady({ _OUTPUT_DIR: directory, KUBECONFIG: '' });
  const before = readSet(directory);
  await sleep(1_500);

  writeFileSync(join(directory, 'tls.crt'), 'edited in place');
  await eventually('it is right', () => readSet(directory)?.certificate === before?.certificate);

  await eventually('it is removed', () => remove(directory));
  await eventually('it is there', () => isThere(directory), RECOVERS_WITHIN_MS);
});

test('36: Folder that cannot be made: unready with the reason, and published when it can', async (t) => {
  const bed = await makeBed(t);
  const parent = join(temporary(), 'parent');
  writeFileSync(parent, 'a file');
  chmodSync(parent, 0o400);
  const daemon = bed.start({ _OUTPUT_DIR: join(parent, 'output'), KUBECONFIG: '' });
  const { remedy } = await daemon.line(({ code }) => code === 'DIRECTORY_UNWRITABLE');
  assert.match(String(remedy), /_OUTPUT_DIR/);
  await daemon.unready(/cannot be used \(ENOTDIR\)/);

  rmSync(parent);

  await daemon.ready(RECOVERS_WITHIN_MS);
  assert.ok(isThere(join(parent, 'output')));
});

/** False if the daemon wrote there meanwhile; Node's own `maxRetries` does not look again for what is new in it. */
function remove(directory: string): boolean {
  try {
    rmSync(directory, { recursive: true, force: true });
    return true;
  } catch {
    return false;
  }
}
