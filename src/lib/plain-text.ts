/** A Markdown paragraph as plain text: without the backquotes around code. */
export function withoutMarks(markdown: string): string {
  return markdown.replaceAll('`', '');
}

/** Wraps the text into lines of at most `width` columns, each indented by `indent`. A longer word gets its own line. */
export function wrap(text: string, width: number, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && indent.length + line.length + 1 + word.length > width) {
      lines.push(indent + line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, indent + line].join('\n');
}
