import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anchors, FILES, links, PAGES, prose, readPage, resolve } from './pages.ts';

/** A path in code: it has a folder and an extension, or is a page at the top. */
const NAMED = /^(?:[\w.-]+\/)+[\w.-]+\.(?:ts|mjs|sh|ya?ml|hcl|json|md|svg)$|^[A-Z]+\.md$/;
/** Built files, and files in the reader's folder. */
const NOT_IN_THE_REPOSITORY = /^(?:dist|out)\//;

function exists(path: string): boolean {
  return FILES.includes(path) || FILES.some((file) => file.startsWith(`${path}/`));
}

for (const page of PAGES) {
  test(`every link of ${page} has a target`, () => {
    for (const link of links(page)) {
      const { path, anchor } = resolve(link);
      assert.ok(exists(path), `${link.target}: there is no ${path}`);
      if (anchor !== '') assert.ok(anchors(path).includes(anchor), `${link.target}: no such heading`);
    }
  });

  test(`every file that ${page} names exists`, () => {
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

const isDecision = (page: string): boolean => /^docs\/adr\/\d/.test(page);

/** The pages among `pages` that `index` does not link to. */
function unlinked(pages: readonly string[], index: string): string[] {
  const linked = links(index).map((link) => resolve(link).path);
  return pages.filter((page) => !linked.includes(page));
}

test('every page in docs/ is linked from README.md', () => {
  const pages = PAGES.filter((page) => page.startsWith('docs/') && !isDecision(page));
  assert.deepEqual(unlinked(pages, 'README.md'), []);
});

for (const index of ['docs/adr/README.md', 'ARCHITECTURE.md']) {
  test(`every decision in docs/adr/ is linked from ${index}`, () => {
    const decisions = PAGES.filter(isDecision);
    assert.ok(decisions.length > 20, 'the decisions are found');
    assert.deepEqual(unlinked(decisions, index), []);
  });
}

test('each decision has its context and its consequences', () => {
  for (const page of PAGES.filter(isDecision)) {
    const headings = [...prose(page).matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
    assert.deepEqual(headings, ['Context', 'Decision', 'Consequences'], page);
  }
});

test('README.md has at most 320 lines', () => {
  assert.ok(readPage('README.md').split('\n').length <= 320);
});
