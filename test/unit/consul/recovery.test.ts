import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROOTS_QUERY } from '../../../src/consul/connect-ca.ts';
import { type Reply, refusal, runQuery } from './virtual-query.ts';

async function responsesTo(...replies: readonly Reply[]) {
  const { responses } = await runQuery(ROOTS_QUERY, 60_000, (count) => replies[count - 1] ?? 'hang');
  return responses;
}

test('after a failure one answer from a cache does not show that Consul is back, the second one does', async () => {
  const responses = await responsesTo(refusal('No cluster leader'), { age: '9' }, { age: '9' });

  assert.deepEqual(
    responses.map(({ isRecovering }) => isRecovering),
    [true, false],
  );
});

test('an answer with a lower index than that of its query went back', async () => {
  const responses = await responsesTo({ index: '9' }, { index: '7' }, { index: '8' });

  assert.deepEqual(
    responses.map(({ wentBack }) => wentBack),
    [false, true, false],
  );
});
