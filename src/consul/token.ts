import { ConsulError, systemCode } from '../errors.ts';
import { readText } from '../lib/read-text.ts';
import type { TokenKind } from './errors/status.ts';

/** The ACL token to ask with, wherever it comes from. */
export interface TokenSource {
  /** For remedies: what a person would change. */
  readonly kind: TokenKind;
  /** @throws ConsulError when there is none just now */
  current(signal: AbortSignal): Promise<string | undefined>;
  /** Consul refused `token` with `text`. True: another one can be had at once, so ask again. */
  refused(token: string | undefined, text: string, signal: AbortSignal): Promise<boolean>;
  /** Gives back what was obtained, within `deadlineMs` milliseconds. Never rejects. */
  close(deadlineMs: number): Promise<void>;
}

/** A token that is what it is; or none. */
export function fixedToken(token: string | undefined): TokenSource {
  return {
    kind: token === undefined ? 'none' : 'value',
    current: async () => token,
    refused: async () => false,
    close: async () => undefined,
  };
}

/** A token in a file, read for each request: it is small, requests are rare, and so a new one is used at once. */
export function fileToken(path: string): TokenSource {
  const read = async (): Promise<string> => {
    let token: string;
    try {
      token = (await readText(path)).trim();
    } catch (cause) {
      const code = systemCode(cause) ?? 'unknown';
      throw new ConsulError('CONSUL_TOKEN_UNREADABLE', `the token file ${path} cannot be read (${code})`, {
        remedy:
          'see that the file CONSUL_HTTP_TOKEN_FILE names is mounted, and readable by the user this runs as',
        cause,
      });
    }
    if (!/^[\x21-\x7e]+$/.test(token)) {
      throw new ConsulError('CONSUL_TOKEN_UNREADABLE', `the token file ${path} holds no token`, {
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
