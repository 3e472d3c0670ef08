const MAX_LENGTH = 500;
/** An answer may have megabytes, on which V8's regular expressions can overflow the stack. */
const MAX_SCANNED = 4_096;
const PEM = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?(?:-----END \1-----|$)/g;
/** As long as a key or a token in base64. Its characters are tested afterwards: lookaheads would take quadratic time. */
const LONG_RUN = /[\w+/=-]{40,}/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
const CONTROL = /[\u0000-\u001f\u007f-\u009f]+/g;

/**
 * Sanitizes text from another program for an error message or a log line: one line of at most 500 characters, with
 * possible keys and tokens redacted. A denial by a webhook may quote the Secret that it denies.
 */
export function foreignText(text: string): string {
  const scrubbed = head(text)
    .replace(PEM, '[redacted]')
    .replace(LONG_RUN, (run) => (isOpaque(run) ? '[redacted]' : run))
    .replace(CONTROL, ' ')
    .trim();
  return cut(scrubbed, MAX_LENGTH);
}

/** The default limit of `printable`, in UTF-16 code units. */
const MAX_PRINTABLE = 1_000;
/** Characters that are invisible, move the cursor or reorder other characters: controls, formats, surrogates. */
const DECEPTIVE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * `text` made safe for a log line and a terminal: one line of at most 1,000 characters, with control and invisible characters
 * escaped, as in `\u001b`.
 */
export function printable(text: string, maxLength = MAX_PRINTABLE): string {
  return cut(text, maxLength).replaceAll(DECEPTIVE, (character) => {
    const units = [...Array(character.length).keys()].map((index) => character.charCodeAt(index));
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
  });
}

function cut(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}…`;
}

/** The beginning of a long text, without the last run, which may be too short to be recognized once cut. */
function head(text: string): string {
  return text.length <= MAX_SCANNED ? text : `${text.slice(0, MAX_SCANNED).replace(/[\w+/=-]+$/, '')}…`;
}

/** Names and paths rarely mix lower case, upper case and digits. */
function isOpaque(run: string): boolean {
  return /[a-z]/.test(run) && /[A-Z]/.test(run) && /\d/.test(run);
}
