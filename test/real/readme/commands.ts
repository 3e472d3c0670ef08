import { fencedBlocks, PAGES, readPage } from '../../unit/docs/pages.ts';

/** A command of a page, and its documented output. */
export interface DocumentedCommand {
  /** `docs/rotation.md`. */
  readonly page: string;
  /** Without its comment, and with continued lines joined. */
  readonly command: string;
  /** The block directly below, if any. */
  readonly output?: string;
}

/** In the order in which a new user reads them. */
export const READ_IN_ORDER = [
  'README.md',
  ...PAGES.filter((page) => page.startsWith('docs/')).sort(),
] as const;

export function documentedCommands(page: string): DocumentedCommand[] {
  const blocks = fencedBlocks(readPage(page));
  return blocks.flatMap(({ language, text }, index) => {
    if (language !== 'sh') return [];
    const commands = splitCommands(text);
    const next = blocks[index + 1];
    const output = next?.follows === true && next.language === '' ? next.text : undefined;
    return commands.map((command, position) => ({
      page,
      command,
      ...(output !== undefined && position === commands.length - 1 ? { output } : {}),
    }));
  });
}

function splitCommands(text: string): string[] {
  return text
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.replace(/(^|\s+)# .*$/, '').trim())
    .filter((line) => line !== '');
}
