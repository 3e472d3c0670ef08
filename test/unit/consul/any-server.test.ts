import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fetchOnce, leafQuery } from '../../../src/consul/connect-ca.ts';
import { type Answer, textAnswer } from '../../fixtures/consul/answer.ts';
import { clientOf, serverOf, startConsul } from './clients.ts';

/** Servers with these answers to the one query of a command such as `once`; undefined is the leaf. */
async function querying(t: TestContext, ...answers: readonly (Answer | undefined)[]) {
  const servers = await Promise.all(answers.map(() => startConsul(t)));
  for (const [index, server] of servers.entries()) server.script('leaf', () => answers[index]);
  const client = clientOf(t, { servers: servers.map(serverOf) });
  const end = new AbortController();
  t.after(() => end.abort());
  const failures: unknown[] = [];
  return {
    failures,
    fetch: () =>
      fetchOnce(client.connect(), leafQuery('ambassador'), 30_000, end.signal, (error) =>
        failures.push(error),
      ),
    requests: () => servers.map((server) => server.requests.length),
  };
}

const unavailable = textAnswer(500, 'No cluster leader');

test('a query that is sent once goes to the next server if the first one fails', async (t) => {
  const { fetch, failures, requests } = await querying(t, unavailable, undefined);

  const { value } = await fetch();

  assert.match(value.certificatePem, /BEGIN CERTIFICATE/);
  assert.equal(failures.length, 1);
  assert.deepEqual(requests(), [1, 1]);
});

test('if each server fails the query ends with the error of the last one', async (t) => {
  const { fetch, failures, requests } = await querying(t, unavailable, unavailable);

  await assert.rejects(fetch(), { code: 'CONSUL_NO_LEADER' });

  assert.equal(failures.length, 1);
  assert.deepEqual(requests(), [1, 1]);
});

test('if a server refuses the query no other one is tried', async (t) => {
  const { fetch, failures, requests } = await querying(t, textAnswer(403, 'Permission denied'), undefined);

  await assert.rejects(fetch(), { code: 'CONSUL_PERMISSION_DENIED' });

  assert.equal(failures.length, 0);
  assert.deepEqual(requests(), [1, 0]);
});
