import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Api } from './api.ts';
import { service } from './manifests.ts';
import { assertStatus, at, listOf, ownersOf, versionOf } from './reading.ts';

const FORCE = 'fieldManager=connector&force=true';

/** Defaults and ownership of the fields of a Service that a Secret does not have. */
export function declareServices(api: Api): void {
  test('a Service gets the defaults of its spec, and keeps its address and the annotations of others', async () => {
    const services = `${api.collection('services')}/headless`;
    const created = await api.create('services', service('headless'), 'connector');
    await api.merge(services, { metadata: { annotations: { theirs: 'kept' } } });

    const again = await api.apply(services, service('headless'), FORCE);
    const once = await api.apply(services, service('headless'), FORCE);
    const moved = await api.apply(services, service('headless', { clusterIP: '10.0.0.77' }), FORCE);

    const { clusterIP, clusterIPs, type, sessionAffinity, selector, ports } = Object(created.body['spec']);
    assert.deepEqual(
      { clusterIP, clusterIPs, type, sessionAffinity, selector, ports },
      {
        clusterIP: 'None',
        clusterIPs: ['None'],
        type: 'ClusterIP',
        sessionAffinity: 'None',
        selector: { 'app.kubernetes.io/name': 'connector' },
        ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }],
      },
    );
    assert.deepEqual(created.body['status'], { loadBalancer: {} });
    assert.deepEqual(at(again.body, 'metadata', 'annotations'), {
      'getambassador.io/config': '---\n',
      theirs: 'kept',
    });
    assert.equal(versionOf(once), versionOf(again));
    assertStatus(moved, 422, 'Invalid');
  });

  test('a Service without an address gets one, its ports get a protocol and a target port, and no node port', async () => {
    const spec = { clusterIP: undefined, ports: [{ port: 80 }] };
    const { body } = await api.create('services', service('addressed', spec));
    const { clusterIP, clusterIPs, ports } = Object(body['spec']);
    assert.match(String(clusterIP), /^10\.\d+\.\d+\.\d+$/);
    assert.deepEqual([clusterIPs, ports], [[clusterIP], [{ port: 80, protocol: 'TCP', targetPort: 80 }]]);
  });

  test('the ports of a Service are owned one by one', async () => {
    const services = `${api.collection('services')}/ports`;
    await api.apply(services, service('ports'));
    const ports = [
      { name: 'http', port: 80, targetPort: 8080 },
      { name: 'more', port: 81 },
    ];
    await api.merge(services, { spec: { ports } });

    const applied = await api.apply(services, service('ports'));

    const found = listOf(at(applied.body, 'spec', 'ports')).map((port) => at(port, 'name'));
    assert.deepEqual(found, ['http', 'more']);
    const ofPorts = 'connector Apply f:spec f:ports k:{"port":80,"protocol":"TCP"}';
    assert.deepEqual(
      ownersOf(applied.body).filter((owner) => owner.startsWith('connector Apply f:spec f:ports')),
      ['.', 'f:name', 'f:port', 'f:protocol', 'f:targetPort'].map((field) => `${ofPorts} ${field}`),
    );
  });
}
