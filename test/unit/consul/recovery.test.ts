import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlockingQuery, type QueryResponse } from '../../../src/consul/blocking-query.ts';
import { ROOTS_QUERY } from '../../../src/consul/connect-ca.ts';
import type { Connection, ConsulAnswer } from '../../../src/consul/connection.ts';
import { errorOfStatus } from '../../../src/consul/errors/status.ts';
import { ConsulError } from '../../../src/errors.ts';
import { VirtualTime } from '../../simulation/virtual-time.ts';

const START = Date.UTC(2030, 0, 15, 12);
const ROOTS = JSON.stringify({ TrustDomain: 'a.consul', Roots: [{ ID: 'a', RootCert: 'a certificate' }] });
const UNAVAILABLE = errorOfStatus(500, 'No cluster leader', { service: 'ambassador', token: 'none' });

type Reply = Partial<ConsulAnswer> | ConsulError;

/** What the query reports of each of these replies that is an answer. */
async function responsesTo(replies: readonly Reply[]): Promise<readonly QueryResponse[]> {
  const time = new VirtualTime(START, () => 0.999);
  const stop = new AbortController();
  const left = [...replies];
  const get: Connection['get'] = async () => {
    const reply = left.shift();
    if (left.length === 0) stop.abort();
    if (reply instanceof ConsulError) throw reply;
    return { text: ROOTS, index: undefined, age: undefined, ...reply };
  };
  const responses: QueryResponse[] = [];
  const query = new BlockingQuery({
    connection: { get, getFromAny: () => Promise.reject(new Error('not used')) },
    query: ROOTS_QUERY,
    waitMs: 50_000,
    clock: time.clock,
    onChange: () => undefined,
    onResponse: (response) => responses.push(response),
    onError: () => undefined,
    onTimeout: () => undefined,
  });
  const running = query.run(stop.signal);
  await time.run(START + 600_000, () => undefined);
  await running;
  return responses;
}

test('after a failure one answer from a cache does not show that Consul is back, the second one does', async () => {
  const responses = await responsesTo([UNAVAILABLE, { age: '9' }, { age: '9' }, {}]);

  assert.deepEqual(
    responses.map(({ isRecovering }) => isRecovering),
    [true, false],
  );
});

test('an answer with a lower index than that of its query went back', async () => {
  const responses = await responsesTo([{ index: '9' }, { index: '7' }, { index: '8' }, {}]);

  assert.deepEqual(
    responses.map(({ wentBack }) => wentBack),
    [false, true, false],
  );
});
