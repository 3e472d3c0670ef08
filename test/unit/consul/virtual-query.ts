import { BlockingQuery, type QueryResponse } from '../../../src/consul/blocking-query.ts';
import type { CaQuery } from '../../../src/consul/connect-ca.ts';
import type { Connection, ConsulAnswer } from '../../../src/consul/connection.ts';
import { errorOfStatus } from '../../../src/consul/errors/status.ts';
import { noAnswerInTime } from '../../../src/consul/errors/transport.ts';
import { ConsulError } from '../../../src/errors.ts';
import { VirtualTime } from '../../simulation/virtual-time.ts';

const START = Date.UTC(2030, 0, 15, 12);
const TEXTS = {
  roots: JSON.stringify({ TrustDomain: 'a.consul', Roots: [{ ID: 'a', RootCert: 'a certificate' }] }),
  leaf: JSON.stringify({ CertPEM: 'a certificate', PrivateKeyPEM: 'a key' }),
};

/** An answer, at once or after a time; an error; or no answer before the deadline. */
export type Reply = (Partial<ConsulAnswer> & { readonly afterMs?: number }) | ConsulError | 'hang';

export function refusal(text: string): ConsulError {
  return errorOfStatus(500, text, { service: 'ambassador', token: 'none' });
}

/**
 * Runs a blocking query for `forMs` of virtual time, in which only waiting takes time; every backoff has its maximum length.
 * `reply` gets the number of the request, from 1, and its index.
 */
export async function runQuery<T>(
  query: CaQuery<T>,
  forMs: number,
  reply: (count: number, index: string | null) => Reply,
) {
  const time = new VirtualTime(START, () => 0.999);
  const sentAt: number[] = [];
  const errors: ConsulError[] = [];
  const changes: T[] = [];
  const responses: QueryResponse[] = [];
  let timeouts = 0;
  const get: Connection['get'] = async (_path, parameters, deadlineMs, signal) => {
    sentAt.push(time.now - START);
    const answer = reply(sentAt.length, parameters.get('index'));
    if (answer instanceof ConsulError) throw answer;
    if (answer === 'hang') {
      await time.sleep(deadlineMs, signal);
      throw noAnswerInTime('http://consul.example:8500', deadlineMs, undefined);
    }
    if (answer.afterMs !== undefined) await time.sleep(answer.afterMs, signal);
    return { text: TEXTS[query.subject], index: undefined, age: undefined, ...answer };
  };
  const blocking = new BlockingQuery<T>({
    connection: { get, getFromAny: () => Promise.reject(new Error('not used')) },
    query,
    waitMs: 50_000,
    clock: time.clock,
    onChange: (answer) => changes.push(answer),
    onResponse: (response) => responses.push(response),
    onError: (error) => errors.push(error),
    onTimeout: () => {
      timeouts += 1;
    },
  });
  const stop = new AbortController();
  const running = blocking.run(stop.signal);
  await time.run(START + forMs, () => undefined);
  stop.abort();
  await running;
  /** Whole seconds between the requests. */
  const gaps = sentAt.slice(1).map((at, index) => Math.round((at - (sentAt[index] ?? 0)) / 1_000));
  return { sentAt, gaps, errors, changes, responses, timeouts };
}
