import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { test } from 'node:test';
import { FILES, readPage } from './pages.ts';

/** All folders use `lib/` and `errors.ts`, which are not in the picture. */
const SHARED = ['lib', 'errors.ts'];

/** The folder of `src/` that a path is in, or `main`. */
function folderOf(path: string): string {
  return path.split('/')[1]?.replace(/^main\.ts$/, 'main') ?? '';
}

test('the picture of ARCHITECTURE.md has the imports between the folders of src/, and no other arrow', () => {
  const drawn = [...readPage('ARCHITECTURE.md').matchAll(/^ {2}(\w+) --> (\w+)$/gm)].map(
    ([, from, to]) => `${from} --> ${to}`,
  );
  const imported = FILES.filter((file) => /^src\/.*\.ts$/.test(file)).flatMap((file) =>
    [...readPage(file).matchAll(/(?:from |import\()'(\.[^']+)'/g)].map(([, target = '']) => {
      const path = posix.join(posix.dirname(file), target);
      return [folderOf(file), path.startsWith('src/') ? folderOf(path) : ''] as const;
    }),
  );
  const arrows = imported
    .filter(([from, to]) => from !== to && to !== '' && ![from, to].some((folder) => SHARED.includes(folder)))
    .map(([from, to]) => `${from} --> ${to}`);

  assert.ok(arrows.length > 50, 'the imports are found');
  assert.deepEqual(drawn.sort(), [...new Set(arrows)].sort());
});
