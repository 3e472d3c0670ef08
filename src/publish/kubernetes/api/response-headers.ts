import { foreignText } from '../../../lib/foreign-text.ts';

type Header = string | readonly string[] | undefined;

/** A longer `Retry-After` would delay a repair after the overload has passed. */
const MAX_RETRY_AFTER_MS = 60_000;
/** `299 - "text"`; one header may have several. */
const WARNING = /\b299 \S+ "((?:[^"\\]|\\.)*)"/g;

/** The texts of the `Warning` headers of a response (RFC 7234 section 5.5, KEP-1693). */
export function readWarnings(header: Header): readonly string[] {
  return [header ?? []]
    .flat()
    .flatMap((value) =>
      [...value.matchAll(WARNING)].map(([, quoted = '']) => foreignText(quoted.replace(/\\(.)/g, '$1'))),
    );
}

/** `Retry-After` in milliseconds; 0 if it is missing or a date, which no API server sends (RFC 9110 section 10.2.3). */
export function readRetryAfter(header: Header): number {
  const [value = ''] = [header ?? []].flat();
  return /^\d+$/.test(value) ? Math.min(Number(value) * 1_000, MAX_RETRY_AFTER_MS) : 0;
}
