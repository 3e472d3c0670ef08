import { ConsulError, type ConsulErrorCode } from '../errors.ts';
import { isRecord } from '../lib/record.ts';
import type { ConsulConnection } from './connection.ts';
import { type Asked, errorOfMissingPermission } from './errors/status.ts';
import { parseJson } from './json.ts';

export const TOKEN_PATH = '/v1/acl/token/self';

const PATH = '/v1/internal/acl/authorize';
/** There is no answer without ACLs, nor from a Consul that lacks or blocks the endpoint. */
const NO_ANSWER: readonly ConsulErrorCode[] = [
  'CONSUL_ACLS_DISABLED',
  'CONSUL_NOT_FOUND',
  'CONSUL_ENDPOINT_BLOCKED',
];

/**
 * Why the token may not have the leaf signed; undefined where it may, or Consul does not say. Receiving a leaf proves nothing:
 * an agent of 1.16 returns a cached leaf to any token, even to none, until Consul must sign a new one.
 *
 * @throws ConsulError where it cannot be asked within `deadlineMs` milliseconds a request
 */
export async function missingPermission(
  connection: Pick<ConsulConnection, 'get' | 'post'>,
  asked: Asked,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<ConsulError | undefined> {
  try {
    const rights = [{ Resource: 'service', Access: 'write', Segment: asked.service }];
    const { text } = await connection.post(PATH, rights, deadlineMs, signal);
    const answers = parseJson(text, 'rights of the token');
    const [answer] = Array.isArray(answers) ? answers : [];
    return isRecord(answer) && answer['Allow'] === false ? errorOfMissingPermission(asked) : undefined;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'CONSUL_PERMISSION_DENIED') return errorOfMissingPermission(asked);
    if (code === 'CONSUL_TOKEN_UNKNOWN') {
      return (await unknownToken(connection, asked, deadlineMs, signal)) ?? errorOfMissingPermission(asked);
    }
    if (code !== undefined && NO_ANSWER.includes(code)) return undefined;
    throw error;
  }
}

/** A client agent of 1.8 says `ACL not found` of no token and of one without rules too: the token itself shows. */
async function unknownToken(
  connection: Pick<ConsulConnection, 'get'>,
  { token }: Asked,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<ConsulError | undefined> {
  if (token === 'none') return undefined;
  try {
    await connection.get(TOKEN_PATH, new URLSearchParams(), deadlineMs, signal);
    return undefined;
  } catch (error) {
    if (error instanceof ConsulError && error.code === 'CONSUL_TOKEN_UNKNOWN') return error;
    throw error;
  }
}

function codeOf(error: unknown): ConsulErrorCode | undefined {
  return error instanceof ConsulError ? error.code : undefined;
}
