import { ConsulError } from '../errors.ts';
import type { Connection } from './connection.ts';
import { parseObject } from './json.ts';

const PATH = '/v1/connect/intentions/check';

/**
 * Whether the intentions of Consul allow `source` to reach `destination`; undefined where Consul does not say, as to a token that
 * may not read them. Those of a mesh whose services speak HTTP may depend on the request: then it is said not to be allowed.
 */
export async function isAllowed(
  connection: Pick<Connection, 'get'>,
  source: string,
  destination: string,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  try {
    const between = new URLSearchParams({ source, destination });
    const { text } = await connection.get(PATH, between, deadlineMs, signal);
    const { Allowed: allowed } = parseObject(text, 'intention');
    return typeof allowed === 'boolean' ? allowed : undefined;
  } catch (error) {
    if (error instanceof ConsulError) return undefined;
    throw error;
  }
}
