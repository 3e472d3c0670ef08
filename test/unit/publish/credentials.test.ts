import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KubeConfig } from '@kubernetes/client-node';
import { systemClock } from '../../../src/lib/clock.ts';
import { Credentials } from '../../../src/publish/kubernetes/api/credentials.ts';
import { newRoot } from '../identity/support.ts';
import { startCluster } from './cluster.ts';

const REF = { resource: 'secrets', namespace: 'ambassador', name: 'identity' } as const;

for (const [scheme, authorization] of [
  ['https', 'Bearer the-token'],
  ['http', undefined],
] as const) {
  test(`over ${scheme} ${authorization === undefined ? 'no token is sent' : 'the token is sent'}`, async (t) => {
    const config = new KubeConfig();
    config.loadFromOptions({
      clusters: [{ name: 'cluster', server: `${scheme}://api.example.com` }],
      users: [{ name: 'user', token: 'the-token' }],
      contexts: [{ name: 'context', cluster: 'cluster', user: 'user' }],
      currentContext: 'context',
    });
    const credentials = await Credentials.create(systemClock, () => config);
    t.after(() => credentials.close());

    const { headers } = await credentials.authorize(new AbortController().signal);

    assert.equal(headers['Authorization'], authorization);
  });
}

test('an API server with a certificate of another CA receives no request', async (t) => {
  const { cluster, connect, signal } = await startCluster(t);
  const client = await connect({ caPem: (await newRoot()).certPem });

  await assert.rejects(client.read(REF, signal), { code: 'KUBERNETES_UNREACHABLE' });

  assert.equal(cluster.requests.length, 0);
});

test('a request whose credentials are not accepted is sent twice, and no more', async (t) => {
  const { cluster, connect, signal } = await startCluster(t);
  const client = await connect();
  cluster.rotateToken();

  await assert.rejects(client.read(REF, signal), { code: 'KUBERNETES_UNAUTHORIZED' });

  assert.equal(cluster.requests.length, 2);
});
