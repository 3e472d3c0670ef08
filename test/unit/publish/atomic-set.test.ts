import assert from 'node:assert/strict';
import { lutimes, mkdir, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { replaceSet } from '../../../src/publish/directory/atomic-set.ts';
import { temporary } from '../../e2e/support/temporary.ts';

const base = temporary();
/** Longer than any write takes: what a killed process left is as old. */
const LONG_AGO = new Date(Date.now() - 120_000);
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

const readSet = () => Promise.all(['tls.crt', 'tls.key'].map(read));

test('the folder is created, with the folders above it', async () => {
  directory = join(directory, 'deep', 'down');
  await replaceSet(directory, setOf('first'));
  assert.deepEqual(await readSet(), ['first certificate', 'first key']);
});

test('plain files of an earlier program are replaced, and other files stay', async () => {
  await mkdir(directory);
  for (const name of ['tls.crt', 'envoy.yaml']) await writeFile(join(directory, name), 'by hand');
  await utimes(join(directory, 'envoy.yaml'), LONG_AGO, LONG_AGO);
  await replaceSet(directory, setOf('first'));
  assert.deepEqual([await read('tls.crt'), await read('envoy.yaml')], ['first certificate', 'by hand']);
});

test('only one set remains, even if a killed process left its own', async () => {
  await mkdir(join(directory, '..set-killed'), { recursive: true });
  await writeFile(join(directory, '..set-killed', 'tls.key'), 'half a k');
  await symlink('..set-killed', join(directory, '..link-killed'));
  await utimes(join(directory, '..set-killed'), LONG_AGO, LONG_AGO);
  await lutimes(join(directory, '..link-killed'), LONG_AGO, LONG_AGO);

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

test('a set that cannot be written leaves the old one, and nothing else behind', async () => {
  await replaceSet(directory, setOf('first'));
  const impossible = { ...setOf('second'), 'no/such/folder': { content: '', mode: 0o600 } };
  await assert.rejects(replaceSet(directory, impossible), { code: 'ENOENT' });
  assert.deepEqual(await readSet(), ['first certificate', 'first key']);
  assert.equal((await readdir(directory)).length, 4);
});

test('a file in place of the folder is an error and stays', async () => {
  await writeFile(directory, 'a file');
  await assert.rejects(replaceSet(directory, setOf('first')), { code: 'ENOTDIR' });
  assert.equal(await readFile(directory, 'utf8'), 'a file');
});
