/** A call that logs at info or above; debug is for developers. `logger[level]` chooses between such levels. */
const LOGS = /\blogger(?:\.(?:info|warn|error|fatal)|\[level\])\(/g;

/**
 * The fixed messages that a source logs.
 *
 * @param sources all of them: a message may be a constant of another file.
 * @throws if a call has no message that can be found, so that none is overlooked.
 */
export function logLines(source: string, sources: readonly string[]): string[] {
  return [...source.matchAll(LOGS)].flatMap(({ 0: { length }, index }) => {
    const message = lastArgument(source, index + length);
    const texts = literals(/^\w+$/.test(message) ? constant(message, sources) : message);
    if (texts.length === 0) throw new Error(`no fixed message: ${message}`);
    return texts;
  });
}

function literals(code: string): string[] {
  return [...code.matchAll(/'([^']*)'|"([^"]*)"/g)].map(([, single, double]) => single ?? double ?? '');
}

function constant(name: string, sources: readonly string[]): string {
  const definition = new RegExp(`const ${name} =\\s*('[^']*')`);
  return sources.map((source) => definition.exec(source)?.[1]).find((found) => found !== undefined) ?? '';
}

/** The text of the last argument of the call whose arguments begin at `start`. */
function lastArgument(source: string, start: number): string {
  let depth = 1;
  const found = [''];
  for (const [token] of source.slice(start).matchAll(/'[^']*'|"[^"]*"|`[^`]*`|\/\/.*|[\s\S]/g)) {
    if ('([{'.includes(token)) depth += 1;
    if (')]}'.includes(token)) depth -= 1;
    if (depth === 0) break;
    if (token === ',' && depth === 1) found.push('');
    else found.push((found.pop() ?? '') + token);
  }
  // A comma may follow the last one.
  return found.findLast((argument) => argument.trim() !== '')?.trim() ?? '';
}
