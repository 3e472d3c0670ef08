const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };
export type Style = keyof typeof CODES;

const isTerminal = process.stdout.isTTY === true;
const hasColours = isTerminal && (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb';

/** The text in a style, if the terminal supports styles and they are not disabled (no-color.org). */
export function styled(text: string, style: Style): string {
  return hasColours ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text;
}

/** Calls `onKey` for each key, until the returned function releases the keyboard. Does nothing without a keyboard. */
export function readKeys(onKey: (key: string) => void): () => void {
  const { stdin } = process;
  if (stdin.isTTY !== true || !isTerminal) return () => undefined;
  const onData = (data: Buffer): void => {
    for (const key of data.toString('utf8')) onKey(key);
  };
  stdin.setRawMode(true);
  stdin.resume();
  stdin.on('data', onData);
  const restore = (): void => {
    stdin.off('data', onData);
    stdin.setRawMode(false);
    stdin.pause();
  };
  process.once('exit', restore);
  return () => {
    process.off('exit', restore);
    restore();
  };
}

/** Whether keys can be read. */
export function hasKeyboard(): boolean {
  return isTerminal && process.stdin.isTTY === true;
}
