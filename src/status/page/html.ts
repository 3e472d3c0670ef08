/** Trusted HTML: created only by `html`, so that all outside text has been escaped. */
export class Html {
  readonly #text: string;

  constructor(strings: TemplateStringsArray, values: readonly Value[]) {
    this.#text = String.raw({ raw: strings }, ...values.map(write));
  }

  toString(): string {
    return this.#text;
  }
}

/** A value in a template: text, which is escaped, or HTML. Undefined is omitted. */
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
 * Characters that are invisible or reorder others: an outside name could look like a different one (Unicode TR36, bidirectional
 * text spoofing), and a carriage return would end a line of a server-sent event. Line feeds are kept.
 */
const DECEPTIVE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

function write(value: Value): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.toString();
  if (Array.isArray(value)) return value.join('');
  return escapeText(String(value));
}

/** Longer texts are truncated. */
const MAX_LENGTH = 1_000;

function escapeText(text: string): string {
  const shown = text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH)}…`;
  return shown
    .replace(DECEPTIVE, (character) => (character === '\n' ? character : '\u{FFFD}'))
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
