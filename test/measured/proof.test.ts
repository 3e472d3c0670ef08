import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { refused } from '../../bench/proof/load.ts';
import { type Proof, prove, violations } from '../../bench/proof/proof.ts';
import { reasons, table } from '../../bench/proof/table.ts';
import { shortTimeline } from '../../bench/proof/timeline.ts';

/** Between the failure of a request of the reference client and the next one of a gateway, on a loaded machine. */
const SLACK_MS = 3_000;
/** Far more than the second it takes: how long a new leaf may wait for its first handshake. */
const HANDSHAKE_WITHIN_MS = 15_000;
const DOWN_SECONDS = 10;
/** A gateway that hangs is not a loaded machine. */
const MAX_TIMED_OUT = 0.1;

let proof: Proof;
before(async () => {
  proof = await prove({
    subject: 'connector',
    events: shortTimeline(DOWN_SECONDS),
    requestsPerSecond: 3,
  });
  console.log(`${table(proof)}\n\n${reasons(proof)}`);
});

test('no request through a gateway is refused in an event in which none of the reference client is', () => {
  assert.deepEqual(violations(proof), [], proof.output);
  assert.equal(proof.clients.length, 7);
  for (const { event, outcomes } of proof.rows) {
    for (const [client, { sent, timedOut }] of Object.entries(outcomes)) {
      assert.ok(sent > 0, `${event}: ${client} sent`);
      assert.ok(timedOut <= sent * MAX_TIMED_OUT, `${event}: ${client} timed out ${timedOut} times`);
    }
  }
});

test('during a rotation, a renewal, a killed connector and an API server that is down no request is refused', () => {
  for (const { event, note, outcomes } of proof.rows) {
    if (note !== undefined) continue;
    for (const [client, outcome] of Object.entries(outcomes))
      assert.equal(refused(outcome), 0, `${event}: ${client}\n${reasons(proof)}`);
  }
});

test('when the mesh rejects all clients, a gateway fails only while the reference client fails', () => {
  for (const { event, outcomes } of proof.rows) {
    const window = outcomes['reference client'].failing;
    for (const client of proof.clients) {
      const { failing } = outcomes[client];
      if (failing === undefined || window === undefined) continue;
      assert.ok(failing[0] >= window[0] - SLACK_MS, `${event}: ${client} failed before`);
      assert.ok(failing[1] <= window[1] + SLACK_MS, `${event}: ${client} failed after`);
    }
  }
});

test('through Envoy an upstream without TLS is reached at all times', () => {
  for (const { event, outcomes } of proof.rows)
    assert.equal(refused(outcomes['envoy control']), 0, `${event}: ${outcomes['envoy control'].reasons}`);
});

test('each event costs the writes that it should, and no gateway is reloaded without a write', () => {
  for (const { event, writes, expectedWrites, reloads } of proof.rows) {
    assert.equal(writes, expectedWrites, event);
    for (const [gateway, count] of Object.entries(reloads))
      assert.ok(count <= writes, `${event}: ${gateway}`);
  }
  for (const { event, configuration, writes, expectedWrites } of proof.envoyRows)
    assert.equal(writes, expectedWrites, `${event}: Envoy with ${configuration}`);
});

test('Envoy presents a new leaf within seconds of its write, and once for each renewal and rotation', () => {
  for (const { event, configuration, expectedWrites, handshakesAfterMs } of proof.envoyRows) {
    const where = `${event}: Envoy with ${configuration}`;
    assert.equal(handshakesAfterMs.length, expectedWrites > 0 ? 1 : 0, where);
    for (const milliseconds of handshakesAfterMs) assert.ok(milliseconds < HANDSHAKE_WITHIN_MS, where);
  }
});

test('a write replaces the clusters of Envoy that use it and no listener, and none if SDS reads the folder', () => {
  for (const row of proof.envoyRows) {
    const where = `${row.event}: Envoy with ${row.configuration}`;
    const { clusters, handshakesAfterMs, clustersModified, contextsReplaced } = row;
    const byLeaves = clusters * handshakesAfterMs.length;
    if (row.configuration === 'folder') {
      assert.equal(clustersModified, 0, where);
      assert.ok(contextsReplaced >= byLeaves, where);
    } else {
      assert.equal(contextsReplaced, 0, where);
      // Without verification the roots alone change nothing in Envoy.
      const most = row.configuration === 'Secret' ? byLeaves : clusters * row.writes;
      assert.ok(clustersModified >= byLeaves && clustersModified <= most, `${where}: ${clustersModified}`);
    }
    assert.equal(row.listenersModified, 0, where);
    assert.equal(row.updatesRejected, 0, where);
  }
});

test('Envoy holds the clusters that Emissary compiles: files named by their SHA-1, and nothing beside them', () => {
  const filename = /\/[0-9A-F]{40}\.crt$/;
  for (const [by, roots] of [
    ['envoy', false],
    ['envoy verifying', true],
  ] as const) {
    const clusters = proof.heldClusters.filter((held) => held.by === by).map(({ cluster }) => cluster);
    assert.equal(clusters.length, 4, by);
    for (const { name, connect_timeout, transport_socket } of clusters) {
      assert.equal(connect_timeout, '3s', name);
      if (name === 'cluster_control') {
        assert.equal(transport_socket, undefined);
        continue;
      }
      const { typed_config } = transport_socket ?? assert.fail(`${name} has no TLS`);
      const { '@type': _, common_tls_context: context, ...rest } = typed_config;
      assert.deepEqual(rest, {}, `${name}: no SNI`);
      const names = ['tls_certificates', ...(roots ? ['validation_context'] : [])];
      assert.deepEqual(Object.keys(context).sort(), names, `${name}: no SDS, ALPN or tls_params`);
      const files = JSON.stringify(context).match(/(?<="filename":")[^"]+/g) ?? [];
      assert.equal(files.length, roots ? 3 : 2, name);
      // Envoy does not show where a key is.
      for (const file of files.filter((each) => each !== '[redacted]')) assert.match(file, filename);
      if (roots) assert.deepEqual(Object.keys(Object(context['validation_context'])), ['trusted_ca']);
    }
  }
});

test('every gateway could load all that was published', () => {
  assert.deepEqual(proof.gatewayFaults, []);
});
