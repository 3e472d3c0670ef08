import { readFile, writeFile } from 'node:fs/promises';

const PAGE = new URL('../docs/performance.md', import.meta.url);

/** Inserts `text` between the two marks of `name`. @throws Error if the page has no such marks */
export async function writeIntoDocs(name: string, text: string): Promise<void> {
  const page = await readFile(PAGE, 'utf8');
  const [begin, end] = [`<!-- bench ${name} -->\n`, `<!-- /bench ${name} -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`docs/performance.md has no place for ${name}`);
  await writeFile(PAGE, `${page.slice(0, from) + begin}\n${text}\n\n${page.slice(to)}`);
}
