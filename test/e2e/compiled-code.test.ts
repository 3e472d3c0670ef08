import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeBed } from './support/bed.ts';
import { temporary } from './support/temporary.ts';

/** A process that ends earlier does not keep its code. */
const LONG_ENOUGH_MS = 2_500;

/** Runs the daemon until it is ready and as long as it takes to keep its code in `folder`; resolves with Node's debug log. */
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

/** The only .bin file in the folder; another inode means that it was written again. Node.js 22.1 and newer has its own folder beside it. */
function kept(folder: string): { path: string; inode: number } {
  const [name, ...others] = readdirSync(folder).filter((entry) => entry.endsWith('.bin'));
  assert.ok(name !== undefined && others.length === 0, `${name} ${others}`);
  const path = join(folder, name);
  return { path, inode: statSync(path).ino };
}

describe('the compiled code', { concurrency: 3 }, () => {
  test('of a first run is used by the next; what was modified is not used and replaced, and that of another version removed', async (t) => {
    const folder = join(temporary(), 'compiled');

    assert.match(await run(t, folder), /\.bin was not accepted$/m);
    const first = kept(folder);
    assert.match(await run(t, folder), /\.bin was accepted$/m);

    assert.deepEqual(kept(folder), first);
    const whole = statSync(first.path).size;
    for (const [what, harm] of Object.entries({
      damaged: (path: string) => {
        const bytes = readFileSync(path);
        bytes.fill(0, bytes.length / 2);
        writeFileSync(path, bytes);
      },
      cut: (path: string) => writeFileSync(path, readFileSync(path).subarray(0, 1_000)),
      'open to other users': (path: string) => chmodSync(path, 0o666),
    })) {
      const { path, inode } = kept(folder);
      harm(path);
      writeFileSync(join(folder, `${'0'.repeat(64)}-${'1'.repeat(16)}.bin`), '');

      assert.match(await run(t, folder), /\.bin was not accepted$/m, what);

      const now = kept(folder);
      assert.notEqual(now.inode, inode);
      const { size, mode } = statSync(now.path);
      assert.ok(size > whole / 2 && (mode & 0o777) === 0o600, what);
    }
  });

  test('is not kept if that is disabled, or impossible', async (t) => {
    const folder = join(temporary(), 'compiled');
    const file = join(temporary(), 'file');
    writeFileSync(file, '');

    await run(t, folder, { NODE_DISABLE_COMPILE_CACHE: '1' });
    await run(t, join(file, 'compiled'));

    assert.ok(!existsSync(folder));
  });
});
