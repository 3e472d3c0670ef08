/** Text that is HTML already: made only by `html`, so that whatever comes from outside has been escaped. */
export class Html {
  readonly #text: string;

  constructor(strings: TemplateStringsArray, values: readonly Value[]) {
    this.#text = String.raw({ raw: strings }, ...values.map(write));
  }

  toString(): string {
    return this.#text;
  }
}

/** What may stand in a template: text, which is escaped, and HTML. Undefined is nothing. */
export type Value = string | number | undefined | Html | readonly Html[];

/** A template of HTML: `html\`<p>${text}</p>\``. Attributes must be in double quotes. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(strings, values);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Characters that show nothing or show others in another order: a name from outside could look like a different one
 * (Unicode TR36, bidirectional text spoofing), and a carriage return would end a line of a server-sent event. A line feed
 * is none of them.
 */
const DECEPTIVE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

function write(value: Value): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.toString();
  if (Array.isArray(value)) return value.join('');
  return escapeText(String(value));
}

/** More of a text than anybody reads there. */
const MAX_LENGTH = 1_000;

function escapeText(text: string): string {
  const shown = text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH)}…`;
  return shown
    .replace(DECEPTIVE, (character) => (character === '\n' ? character : '\u{FFFD}'))
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
