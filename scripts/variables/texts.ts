import { VARIABLE_HELP, VARIABLE_SECTIONS } from '../../src/config/variable-help.ts';
import { withoutMarks, wrap } from '../../src/lib/plain-text.ts';

const MARKED = /(?<=<!-- variables -->\n).*(?=<!-- \/variables -->)/s;
const WIDTH = 120;

/**
 * docs/configuration.md with the table that belongs to the variables.
 *
 * @throws if the page has no place for it
 */
export function withTableOfVariables(page: string): string {
  const rows = VARIABLE_SECTIONS.flatMap(({ names }) => names).map((name) => {
    const { what, default: fallback } = VARIABLE_HELP[name];
    return `| \`${name}\` | ${fallback} | ${what} |\n`;
  });
  const table = `| Variable | Default | What |\n| --- | --- | --- |\n${rows.join('')}`;
  if (!MARKED.test(page))
    throw new Error('the page lacks the marks <!-- variables --> and <!-- /variables -->');
  return page.replace(MARKED, () => table);
}

/** The text of .env.example. */
export function exampleOfVariables(): string {
  const sections = VARIABLE_SECTIONS.map(({ title, note, names }) => {
    const heading = `# --- ${title} `.padEnd(WIDTH, '-');
    const variables = names.map((name) => {
      const { what, default: fallback, value } = VARIABLE_HELP[name];
      const text = value === '' && fallback !== 'none' ? `${what} Default: ${fallback}` : what;
      return `${comment(text)}\n${name}=${value}\n`;
    });
    return `${[heading, ...(note === undefined ? [] : [comment(note)])].join('\n')}\n${variables.join('')}`;
  });
  return `# Every variable and its default. An empty value means the default.
# The names start with an underscore because Kubernetes injects CONSUL_PORT=tcp://… and the like for Services.

${sections.join('\n')}`;
}

function comment(markdown: string): string {
  return wrap(withoutMarks(markdown), WIDTH, '# ');
}
