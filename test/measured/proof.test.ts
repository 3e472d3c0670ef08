import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { type Proof, prove, violations } from '../real/proof/proof.ts';
import { reasons, table } from '../real/proof/table.ts';

/** Between the failure of a request of the perfect client and the next one of a gateway, on a loaded machine. */
const SLACK_MS = 3_000;

let proof: Proof;
before(async () => {
  proof = await prove({ subject: 'connector', requestsPerSecond: 5, downSeconds: 60 });
  console.log(`${table(proof)}\n\n${reasons(proof)}`);
});

test('no gateway fails a request in an event in which a perfect client fails none', () => {
  assert.deepEqual(violations(proof), [], proof.output);
  for (const { event, outcomes } of proof.rows) {
    for (const [client, { sent }] of Object.entries(outcomes))
      assert.ok(sent > 0, `${event}: ${client} sent`);
  }
});

test('a rotation, a renewal, a killed connector and an API server that is down fail no request at all', () => {
  const meshBreaks = proof.rows.filter(({ note }) => note !== undefined).map(({ event }) => event);
  assert.deepEqual(
    proof.rows
      .filter(({ outcomes }) => Object.values(outcomes).some(({ failed }) => failed > 0))
      .map(({ event }) => event)
      .filter((event) => !meshBreaks.includes(event)),
    [],
    reasons(proof),
  );
});

test('where the mesh lets nobody in, a gateway fails only while the perfect client fails', () => {
  for (const { event, outcomes } of proof.rows) {
    const window = outcomes['perfect client'].failing;
    for (const client of ['nginx', 'haproxy'] as const) {
      const { failing } = outcomes[client];
      if (failing === undefined || window === undefined) continue;
      assert.ok(failing[0] >= window[0] - SLACK_MS, `${event}: ${client} failed before`);
      assert.ok(failing[1] <= window[1] + SLACK_MS, `${event}: ${client} failed after`);
    }
  }
});

test('each event costs the writes that it should, and no gateway is reloaded without a write', () => {
  for (const { event, writes, expectedWrites, reloads } of proof.rows) {
    assert.equal(writes, expectedWrites, event);
    for (const [gateway, count] of Object.entries(reloads))
      assert.ok(count <= writes, `${event}: ${gateway}`);
  }
});

test('both gateways could load all that was published', () => {
  assert.deepEqual(proof.gatewayFaults, []);
});
