import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The files of the repository, tracked or new, such as `docs/rotation.md`. */
export const FILES: readonly string[] = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard'],
  { cwd: ROOT, encoding: 'utf8' },
)
  .trim()
  .split('\n');

export const PAGES = FILES.filter((file) => file.endsWith('.md'));

export function readPage(page: string): string {
  return readFileSync(`${ROOT}${page}`, 'utf8');
}

/** The text without its code blocks, in which a `#` is a comment and brackets are no link. */
export function prose(page: string): string {
  return readPage(page).replace(/^```.*?^```$/gms, '');
}

/** A block of code between fences. */
export interface Block {
  readonly language: string;
  readonly text: string;
  /** There are only blank lines between this and the block before. */
  readonly follows: boolean;
}

export function fencedBlocks(text: string): Block[] {
  let end = 0;
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(
    ({ 0: whole, 1: language = '', 2: inner = '', index }) => {
      const follows = text.slice(end, index).trim() === '';
      end = index + whole.length;
      return { language, text: inner, follows };
    },
  );
}

export function yamlBlocks(page: string): string[] {
  return fencedBlocks(readPage(page)).flatMap(({ language, text }) => (language === 'yaml' ? [text] : []));
}

export interface Link {
  readonly page: string;
  readonly target: string;
}

/** Every link and picture of a page but those to other sites. */
export function links(page: string): Link[] {
  return [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => ({ page, target }))
    .filter(({ target }) => !/^https?:/.test(target));
}

/** The target of a link: a path of the repository, and an anchor or ''. */
export function resolve({ page, target }: Link): { path: string; anchor: string } {
  const [file = '', anchor = ''] = target.split('#');
  const path = file === '' ? page : posix.normalize(posix.join(posix.dirname(page), file));
  return { path: path.replace(/\/$/, ''), anchor };
}

/** The anchors GitHub gives to the headings of a page: lower case, no punctuation, a hyphen a space. */
export function anchors(page: string): string[] {
  return [...prose(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  );
}
