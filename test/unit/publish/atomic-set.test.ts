import assert from 'node:assert/strict';
import {
  lutimes,
  mkdir,
  readdir,
  readFile,
  realpath,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { systemCode } from '../../../src/errors.ts';
import { replaceSet } from '../../../src/publish/directory/atomic-set.ts';
import { temporary } from '../../e2e/support/temporary.ts';

const base = temporary();
let directory = base;
let folders = 0;

beforeEach(() => {
  folders += 1;
  directory = join(base, String(folders));
});

function setOf(text: string) {
  return {
    'tls.crt': { content: `${text} certificate`, mode: 0o644 },
    'tls.key': { content: `${text} key`, mode: 0o600 },
  };
}

async function read(name: string): Promise<string> {
  return readFile(join(directory, name), 'utf8');
}

/** Reads the whole current set as a careful reader does: through one folder, and again where that was replaced. */
async function readSet(): Promise<readonly string[]> {
  for (;;) {
    const folder = await realpath(join(directory, '..current'));
    try {
      const contents = ['tls.crt', 'tls.key'].map((name) => readFile(join(folder, name), 'utf8'));
      return await Promise.all(contents);
    } catch (error) {
      const isCurrent = folder === (await realpath(join(directory, '..current')));
      if (systemCode(error) !== 'ENOENT' || isCurrent) throw error;
    }
  }
}

test('the folder is made, with the folders above it', async () => {
  directory = join(directory, 'deep', 'down');
  await replaceSet(directory, setOf('first'));
  assert.deepEqual(await readSet(), ['first certificate', 'first key']);
});

test('the key is for its owner alone, the certificate for everybody', async () => {
  await replaceSet(directory, setOf('first'));
  const modes = await Promise.all(
    ['tls.crt', 'tls.key'].map(async (name) => (await stat(join(directory, name))).mode & 0o777),
  );
  assert.deepEqual(modes, [0o644 & ~process.umask(), 0o600]);
});

test('plain files that were there before are replaced, and files of others stay', async () => {
  await mkdir(directory);
  for (const name of ['tls.crt', 'envoy.yaml']) await writeFile(join(directory, name), 'by hand');
  await replaceSet(directory, setOf('first'));
  assert.deepEqual([await read('tls.crt'), await read('envoy.yaml')], ['first certificate', 'by hand']);
});

test('only one set remains, also where a killed process left its own', async () => {
  await mkdir(join(directory, '..set-killed'), { recursive: true });
  await writeFile(join(directory, '..set-killed', 'tls.key'), 'half a k');
  await symlink('..set-killed', join(directory, '..link-killed'));
  const ago = new Date(Date.now() - 120_000);
  await utimes(join(directory, '..set-killed'), ago, ago);
  await lutimes(join(directory, '..link-killed'), ago, ago);

  await replaceSet(directory, setOf('first'));
  await replaceSet(directory, setOf('second'));

  const names = await readdir(directory);
  assert.deepEqual(names.map((name) => name.replace(/^\.\.set-.*/, '..set-')).sort(), [
    '..current',
    '..set-',
    'tls.crt',
    'tls.key',
  ]);
});

test('a set that another connector is writing stays', async () => {
  await replaceSet(directory, setOf('first'));
  await mkdir(join(directory, '..set-another'));
  await symlink('..set-another', join(directory, '..link-another'));

  await replaceSet(directory, setOf('second'));

  const names = await readdir(directory);
  assert.deepEqual(
    [names.includes('..set-another'), names.includes('..link-another'), names.length],
    [true, true, 6],
  );
});

test('readers never see a half-changed set', async () => {
  await replaceSet(directory, setOf('0'));
  let writing = true;
  const seen = new Set<string>();
  const reader = async (): Promise<void> => {
    while (writing) {
      const [certificate = '', key = ''] = await readSet();
      assert.equal(certificate.replace(' certificate', ''), key.replace(' key', ''));
      seen.add(key);
    }
  };

  const readers = [reader(), reader()];
  for (let turn = 1; turn <= 60; turn += 1) await replaceSet(directory, setOf(String(turn).repeat(500)));
  writing = false;
  await Promise.all(readers);

  assert.ok(seen.size > 5, `the readers saw ${seen.size} sets`);
});

test('a set that cannot be written leaves the old one and nothing behind', async () => {
  await replaceSet(directory, setOf('first'));
  const impossible = { ...setOf('second'), 'no/such/folder': { content: '', mode: 0o600 } };
  await assert.rejects(replaceSet(directory, impossible), { code: 'ENOENT' });
  assert.deepEqual(await readSet(), ['first certificate', 'first key']);
  assert.equal((await readdir(directory)).length, 4);
});

test('a file in place of the folder is an error and stays', async () => {
  await writeFile(directory, 'a file');
  await assert.rejects(replaceSet(directory, setOf('first')), { code: 'EEXIST' });
  assert.equal(await readFile(directory, 'utf8'), 'a file');
});
