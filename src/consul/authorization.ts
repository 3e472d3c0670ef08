import { ConsulError, type ConsulErrorCode } from '../errors.ts';
import { isRecord } from '../lib/record.ts';
import type { ConsulConnection } from './connection.ts';
import { errorOfMissingPermission, type Requested } from './errors/status.ts';
import { parseJson } from './json.ts';

export const TOKEN_PATH = '/v1/acl/token/self';

const PATH = '/v1/internal/acl/authorize';
/** Consul without ACLs does not answer, and neither does one that lacks or blocks the endpoint. */
const NO_ANSWER: readonly ConsulErrorCode[] = [
  'CONSUL_ACLS_DISABLED',
  'CONSUL_NOT_FOUND',
  'CONSUL_ENDPOINT_BLOCKED',
];

/**
 * The error if the token may not have the leaf signed; undefined if it may, or Consul does not answer. Receiving a leaf proves
 * nothing: an agent of 1.16 returns a cached leaf to any token, even to none, until Consul must sign a new one.
 *
 * @throws ConsulError if a request fails or takes longer than `deadlineMs` milliseconds
 */
export async function missingPermission(
  connection: Pick<ConsulConnection, 'get' | 'post'>,
  requested: Requested,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<ConsulError | undefined> {
  try {
    const rights = [{ Resource: 'service', Access: 'write', Segment: requested.service }];
    const { text } = await connection.post(PATH, rights, deadlineMs, signal);
    const answers = parseJson(text, 'rights of the token');
    const [answer] = Array.isArray(answers) ? answers : [];
    return isRecord(answer) && answer['Allow'] === false ? errorOfMissingPermission(requested) : undefined;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'CONSUL_PERMISSION_DENIED') return errorOfMissingPermission(requested);
    if (code === 'CONSUL_TOKEN_UNKNOWN') {
      const unknown = await unknownToken(connection, requested, deadlineMs, signal);
      return unknown ?? errorOfMissingPermission(requested);
    }
    if (code !== undefined && NO_ANSWER.includes(code)) return undefined;
    throw error;
  }
}

/** A client agent of 1.8 answers `ACL not found` even without a token, or for one without rules: so the token itself is queried. */
async function unknownToken(
  connection: Pick<ConsulConnection, 'get'>,
  { token }: Requested,
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
