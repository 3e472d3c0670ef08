import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeBed } from './support/bed.ts';
import { temporary } from './support/temporary.ts';

/** A process that ends earlier keeps nothing. */
const LONG_ENOUGH_MS = 2_500;

/** Runs the daemon until it is ready and as long as it takes to keep its code in `folder`; resolves with what Node's debug log says. */
async function run(
  t: TestContext,
  folder: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const bed = await makeBed(t);
  const daemon = await bed.startReady({ NODE_COMPILE_CACHE: folder, NODE_DEBUG: 'compiled', ...env });
  await sleep(LONG_ENOUGH_MS);
  assert.equal((await daemon.stop()).code, 0);
  return daemon.stderr;
}

/** The one file there, and what tells whether it was written anew. */
function kept(folder: string): { path: string; inode: number } {
  const [name, ...others] = readdirSync(folder);
  assert.ok(name !== undefined && others.length === 0, `${name} ${others}`);
  const path = join(folder, name);
  return { path, inode: statSync(path).ino };
}

describe('the compiled code', { concurrency: 4 }, () => {
  test('of a first run is used by the next, and left as it is', async (t) => {
    const folder = join(temporary(), 'compiled');

    assert.match(await run(t, folder), /\.bin was not accepted$/m);
    const first = kept(folder);
    assert.match(await run(t, folder), /\.bin was accepted$/m);

    assert.deepEqual(kept(folder), first);
    assert.equal(statSync(first.path).mode & 0o777, 0o600);
  });

  for (const [what, harm] of Object.entries({
    'that is damaged': (path: string) => {
      const bytes = readFileSync(path);
      bytes.fill(0, bytes.length / 2);
      writeFileSync(path, bytes);
    },
    'that is cut': (path: string) => writeFileSync(path, readFileSync(path).subarray(0, 1_000)),
    'that others may write': (path: string) => chmodSync(path, 0o666),
  })) {
    test(`${what} is not used, and replaced`, async (t) => {
      const folder = join(temporary(), 'compiled');
      await run(t, folder);
      const { path, inode } = kept(folder);
      const whole = readFileSync(path).length;
      harm(path);

      assert.match(await run(t, folder), /\.bin was not accepted$/m);

      const now = kept(folder);
      assert.notEqual(now.inode, inode);
      assert.ok(statSync(now.path).size > whole / 2 && (statSync(now.path).mode & 0o777) === 0o600);
    });
  }

  test('of another version goes when that of this one is kept', async (t) => {
    const folder = join(temporary(), 'compiled');
    mkdirSync(folder);
    writeFileSync(join(folder, `${'0'.repeat(64)}-${'1'.repeat(16)}.bin`), '');

    await run(t, folder);

    assert.doesNotMatch(kept(folder).path, /0{64}/);
  });

  test('is not kept where that is switched off, or cannot be', async (t) => {
    const folder = join(temporary(), 'compiled');
    const file = join(temporary(), 'file');
    writeFileSync(file, '');

    await run(t, folder, { NODE_DISABLE_COMPILE_CACHE: '1' });
    await run(t, join(file, 'compiled'));

    assert.ok(!existsSync(folder));
  });
});
