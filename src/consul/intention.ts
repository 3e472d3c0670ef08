import { ConsulError } from '../errors.ts';
import type { Connection } from './connection.ts';
import { parseObject } from './json.ts';

const PATH = '/v1/connect/intentions/check';

/**
 * Whether Consul's intentions allow `source` to reach `destination`; undefined if Consul does not answer, as for a token that may
 * not read them. Intentions between HTTP services may depend on the request: Consul then reports that it is not allowed.
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
