import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anchors, FILES, links, PAGES, prose, readPage, resolve } from './pages.ts';

/** A path that a text names in code: it has a folder and an ending, or it is one of the files at the top. */
const NAMED = /^(?:[\w.-]+\/)+[\w.-]+\.(?:ts|mjs|sh|ya?ml|hcl|json|md|svg)$|^[A-Z]+\.md$/;
/** What is made, and what stands where the reader is. */
const NOT_IN_THE_REPOSITORY = /^(?:dist|out)\//;

function exists(path: string): boolean {
  return FILES.includes(path) || FILES.some((file) => file.startsWith(`${path}/`));
}

for (const page of PAGES) {
  test(`every link of ${page} leads somewhere`, () => {
    for (const link of links(page)) {
      const { path, anchor } = resolve(link);
      assert.ok(exists(path), `${link.target}: there is no ${path}`);
      if (anchor !== '') assert.ok(anchors(path).includes(anchor), `${link.target}: no such heading`);
    }
  });

  test(`every file that ${page} names is there`, () => {
    const named = [...prose(page).matchAll(/`([^`\s]+)`/g)]
      .map(([, path = '']) => path)
      .filter((path) => NAMED.test(path) && !NOT_IN_THE_REPOSITORY.test(path));
    for (const path of named) {
      assert.ok(
        FILES.some((file) => file === path || file.endsWith(`/${path}`)),
        path,
      );
    }
  });
}

test('every page in docs/ is linked from README.md', () => {
  const linked = links('README.md').map((link) => resolve(link).path);
  const pages = PAGES.filter((page) => page.startsWith('docs/'));
  assert.deepEqual(
    pages.filter((page) => !linked.includes(page)),
    [],
  );
});

test('README.md can be read from top to end', () => {
  assert.ok(readPage('README.md').split('\n').length <= 320);
});
