import { ConsulError } from '../errors.ts';
import { isRecord } from '../lib/record.ts';

/** @throws ConsulError CONSUL_INVALID_RESPONSE, without quoting the answer, which may contain a key or a token */
export function parseObject(text: string, what: string): Record<string, unknown> {
  const parsed = parseJson(text, what);
  if (!isRecord(parsed)) throw unusable(what, 'it is not a JSON object');
  return parsed;
}

/** @throws ConsulError as `parseObject` */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // No cause: the parser's message quotes the text.
    throw unusable(what, /^\s*</.test(text) ? 'it is HTML' : 'it is not complete JSON');
  }
}

export function unusable(what: string, why: string): ConsulError {
  return new ConsulError(
    'CONSUL_INVALID_RESPONSE',
    `Consul's answer about the ${what} cannot be used: ${why}`,
    {
      remedy:
        'check that _CONSUL_HOST and _CONSUL_PORT lead to Consul itself and not to a proxy or a login page',
    },
  );
}
