import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Api, ApiServer } from './api.ts';
import { assertStatus, at } from './reading.ts';

/** Unknown paths, and Events. */
export function declareCluster(api: Api, server: () => ApiServer): void {
  test('an unknown API is a 404', async () => {
    const { code } = await api.call('/apis/nothing.example.com/v1');
    assert.equal(code, 404);
  });

  test('an Event gets a name by generateName, and a merge patch raises its count', async () => {
    const { namespace } = server();
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { generateName: 'ambassador-consul-connect.', namespace },
      involvedObject: { apiVersion: 'v1', kind: 'Secret', namespace, name: 'ambassador-consul-connect' },
      type: 'Normal',
      reason: 'Published',
      message: 'a certificate',
      source: { component: 'connector' },
      reportingComponent: 'connector',
      reportingInstance: 'a-pod',
      firstTimestamp: '2026-01-02T03:04:05.678Z',
      lastTimestamp: '2026-01-02T03:04:05.678Z',
      count: 1,
    };

    const created = await api.create('events', event, 'connector');
    const name = String(at(created.body, 'metadata', 'name'));
    const again = await api.merge(
      `${api.collection('events')}/${name}`,
      { count: 2, lastTimestamp: '2026-01-02T03:05:05.678Z' },
      'connector',
    );

    assert.deepEqual([created.code, again.code], [201, 200]);
    assert.match(name, /^ambassador-consul-connect\.[a-z0-9]{5}$/);
    const { metadata: _sent, ...sent } = event;
    const { metadata: _shown, ...shown } = again.body;
    assert.deepEqual(shown, {
      ...sent,
      eventTime: null,
      firstTimestamp: '2026-01-02T03:04:05Z',
      lastTimestamp: '2026-01-02T03:05:05Z',
      count: 2,
    });
  });

  test('an Event in another namespace than its object is a 422', async () => {
    const refused = await api.create('events', {
      metadata: { generateName: 'astray.' },
      involvedObject: { apiVersion: 'v1', kind: 'Secret', namespace: 'elsewhere', name: 'a' },
      reason: 'Published',
    });
    assertStatus(refused, 422, 'Invalid');
    assert.equal(at(refused.body, 'details', 'causes', 0, 'field'), 'involvedObject.namespace');
  });
}
