import { ConsulError, systemCode } from '../errors.ts';
import { readText } from '../lib/read-text.ts';
import type { TokenKind } from './errors/status.ts';

/** The source of the ACL token for requests. */
export interface TokenSource {
  /** For remedies that name what to change. */
  readonly kind: TokenKind;
  /** @throws ConsulError if there is none at the moment */
  current(signal: AbortSignal): Promise<string | undefined>;
  /** Consul refused `token` with `text`. Returns true if another one is available at once, for a retry. */
  refused(token: string | undefined, text: string, signal: AbortSignal): Promise<boolean>;
  /** Logs out, within `deadlineMs` milliseconds. Never rejects. */
  close(deadlineMs: number): Promise<void>;
}

/** A configured token, or none. */
export function fixedToken(token: string | undefined): TokenSource {
  return {
    kind: token === undefined ? 'none' : 'value',
    current: async () => token,
    refused: async () => false,
    close: async () => undefined,
  };
}

/** A token in a file, read for each request so that a new one is used at once: the file is small, and requests are rare. */
export function fileToken(path: string): TokenSource {
  const read = async (): Promise<string> => {
    let token: string;
    try {
      token = (await readText(path)).trim();
    } catch (cause) {
      const code = systemCode(cause) ?? 'unknown';
      throw new ConsulError('CONSUL_TOKEN_UNREADABLE', `the token file ${path} cannot be read (${code})`, {
        remedy:
          'check that the file in CONSUL_HTTP_TOKEN_FILE is mounted, and readable by the user of the connector',
        cause,
      });
    }
    if (!/^[\x21-\x7e]+$/.test(token)) {
      throw new ConsulError('CONSUL_TOKEN_UNREADABLE', `the token file ${path} contains no token`, {
        remedy: 'put the SecretID of one ACL token into it, and nothing else',
      });
    }
    return token;
  };
  return {
    kind: 'file',
    current: read,
    refused: async (token) => (await read()) !== token,
    close: async () => undefined,
  };
}
