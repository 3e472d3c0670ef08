import pem from 'node-forge/lib/pem.js';
import { IdentityError } from '../../errors.ts';

/** More than the roots of any mesh. The limit is for memory. */
export const MAX_BLOCKS = 300;

/** One block of a PEM text (RFC 7468), decoded. */
export interface PemBlock {
  /** The label, such as `CERTIFICATE` or `EC PRIVATE KEY`. */
  readonly label: string;
  readonly der: Buffer;
}

/**
 * Reads every block of a PEM text, and ignores text between the blocks: Consul with Vault sends text before them, CRLF, or no
 * final newline (consul #8178).
 *
 * @throws IdentityError PEM_UNREADABLE if a block is damaged or there is none, TOO_MANY_CERTIFICATES
 */
export function readPem(text: string, what: string): readonly PemBlock[] {
  const begun = text.split('-----BEGIN ').length - 1;
  if (begun === 0) throw new IdentityError('PEM_UNREADABLE', `${what} holds no PEM block`);
  if (begun > MAX_BLOCKS) throw tooMany(`${what} holds ${begun} PEM blocks`, MAX_BLOCKS);
  return canonicalBlocks(text) ?? decode(text, begun, what);
}

const CANONICAL_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----\n([A-Za-z0-9+/=\n]+)-----END \1-----\n/g;

/** The blocks if `text` is what `writePem` writes for them, as Consul's is: decoding it by forge allocates far more. */
function canonicalBlocks(text: string): readonly PemBlock[] | undefined {
  const blocks = [...text.matchAll(CANONICAL_BLOCK)].map(([, label = '', body = '']) => ({
    label,
    der: Buffer.from(body, 'base64'),
  }));
  return blocks.map(writePem).join('') === text ? blocks : undefined;
}

function decode(text: string, begun: number, what: string): readonly PemBlock[] {
  let messages: ReturnType<typeof pem.decode>;
  try {
    messages = pem.decode(text);
  } catch (cause) {
    throw new IdentityError('PEM_UNREADABLE', `${what} holds a damaged or truncated PEM block`, { cause });
  }
  if (messages.length !== begun) {
    throw new IdentityError('PEM_UNREADABLE', `${what} holds a damaged or truncated PEM block`);
  }
  return messages.map(({ type, body }) => {
    if (body.length === 0) throw new IdentityError('PEM_UNREADABLE', `${what} holds an empty PEM block`);
    return { label: type, der: Buffer.from(body, 'binary') };
  });
}

/** The error for more certificates than any legitimate CA has. */
export function tooMany(what: string, most: number): IdentityError {
  return new IdentityError('TOO_MANY_CERTIFICATES', `${what}, and at most ${most} are read`);
}

/** Writes one block in the strict form of RFC 7468 section 3: 64 columns, LF, a final newline. */
export function writePem({ label, der }: PemBlock): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/**
 * Whether OpenSSL and BoringSSL find the same blocks in `text` as the lenient `readPem`: they require a block to begin at the
 * start of a line, BoringSSL requires lines of 64 columns (RFC 7468 section 3), and both also read certificates with other
 * labels, which are not verified here.
 *
 * @throws IdentityError PEM_UNREADABLE
 */
export function isServable(text: string, what: string): boolean {
  const lines = text.split('\n').map((line) => line.trimEnd());
  const normal = `\n${lines.join('\n')}\n`;
  let from = 0;
  return readPem(text, what).every((block) => {
    from = normal.indexOf(`\n${writePem(block)}`, from) + 1;
    return from > 0 && (block.label === 'CERTIFICATE' || !block.label.endsWith(' CERTIFICATE'));
  });
}
