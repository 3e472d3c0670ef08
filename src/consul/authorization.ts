import { ConsulError, type ConsulErrorCode } from '../errors.ts';
import { isRecord } from '../lib/record.ts';
import type { ConsulConnection } from './connection.ts';
import { refusesToken } from './errors/status.ts';
import { parseJson } from './json.ts';

const PATH = '/v1/internal/acl/authorize';
/** There is no answer without ACLs, nor from a Consul that lacks or blocks the endpoint. */
const NO_ANSWER: readonly ConsulErrorCode[] = [
  'CONSUL_ACLS_DISABLED',
  'CONSUL_NOT_FOUND',
  'CONSUL_ENDPOINT_BLOCKED',
];

/**
 * Whether the token may have a leaf of `service` signed; undefined where Consul does not say. Receiving a leaf proves nothing:
 * an agent of 1.16 returns a cached leaf to any token, even to none, until Consul must sign a new one.
 *
 * @throws ConsulError
 */
export async function mayWriteService(
  connection: Pick<ConsulConnection, 'post'>,
  service: string,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  try {
    const asked = [{ Resource: 'service', Access: 'write', Segment: service }];
    const { text } = await connection.post(PATH, asked, deadlineMs, signal);
    const answers = parseJson(text, 'rights of the token');
    const [answer] = Array.isArray(answers) ? answers : [];
    return isRecord(answer) && typeof answer['Allow'] === 'boolean' ? answer['Allow'] : undefined;
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    // A client agent of 1.8 says `ACL not found` where no token is sent.
    if (refusesToken(error.code)) return false;
    if (NO_ANSWER.includes(error.code)) return undefined;
    throw error;
  }
}
