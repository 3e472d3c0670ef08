import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../e2e/support/eventually.ts';
import type { Api, ApiServer } from './api.ts';
import { assertStatus, at, listOf } from './reading.ts';

const GROUP = '/apis/getambassador.io';

/** API discovery, and Events. */
export function declareCluster(api: Api, server: () => ApiServer): void {
  test('a group that is not installed is a 404, its versions are listed once it is, the newest first', async () => {
    const missing = await api.call(GROUP);
    await server().serveAmbassador(['v2', 'v3alpha1']);

    const served = await eventually('the group is served', async () => {
      const answer = await api.call(GROUP);
      return answer.code === 200 && answer;
    });

    assert.equal(missing.code, 404);
    assert.deepEqual(served.body, {
      kind: 'APIGroup',
      apiVersion: 'v1',
      name: 'getambassador.io',
      versions: [
        { groupVersion: 'getambassador.io/v2', version: 'v2' },
        { groupVersion: 'getambassador.io/v3alpha1', version: 'v3alpha1' },
      ],
      preferredVersion: { groupVersion: 'getambassador.io/v2', version: 'v2' },
    });
    const { body } = await api.call('/apis');
    assert.deepEqual([body['kind'], body['apiVersion']], ['APIGroupList', 'v1']);
    const names = listOf(body['groups']).map((group) => at(group, 'name'));
    assert.ok(names.includes('getambassador.io') && names.includes('authorization.k8s.io'));
  });

  test('a path that is no API is a 404', async () => {
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
    const { metadata: _, ...shown } = again.body;
    assert.deepEqual(shown, {
      kind: 'Event',
      apiVersion: 'v1',
      involvedObject: event.involvedObject,
      type: 'Normal',
      reason: 'Published',
      message: 'a certificate',
      source: { component: 'connector' },
      reportingComponent: 'connector',
      reportingInstance: 'a-pod',
      eventTime: null,
      firstTimestamp: '2026-01-02T03:04:05Z',
      lastTimestamp: '2026-01-02T03:05:05Z',
      count: 2,
    });
  });

  test('an Event is in the namespace of what it is about: 422', async () => {
    const refused = await api.create('events', {
      metadata: { generateName: 'astray.' },
      involvedObject: { apiVersion: 'v1', kind: 'Secret', namespace: 'elsewhere', name: 'a' },
      reason: 'Published',
    });

    assertStatus(refused, 422, 'Invalid');
    assert.equal(at(refused.body, 'details', 'causes', 0, 'field'), 'involvedObject.namespace');
  });
}
