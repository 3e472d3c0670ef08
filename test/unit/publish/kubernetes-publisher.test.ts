import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../src/lib/clock.ts';
import { LAST_APPLIED } from '../../../src/publish/annotations.ts';
import { KubernetesPublisher } from '../../../src/publish/kubernetes/publisher.ts';
import { type ObjectNames, secretManifests } from '../../../src/publish/manifests.ts';
import { kubernetesTarget } from '../../../src/publish/target.ts';
import { SILENT, startCluster } from './cluster.ts';
import { newContent, SEED_NAMES } from './support.ts';

const content = await newContent();
const cause = { reason: 'missing', detail: 'no identity was published' } as const;

async function publishing(t: TestContext, names: ObjectNames) {
  const { cluster, connect, signal } = await startCluster(t);
  const publisher = new KubernetesPublisher({
    client: await connect(),
    names,
    target: kubernetesTarget(cluster.url, names, true),
    serviceEnabled: true,
    apiVersion: 'getambassador.io/v2',
    clock: systemClock,
    observer: SILENT,
    instance: 'a-replica',
  });
  return { cluster, write: () => publisher.write({ content, cause }, signal) };
}

test('the Secret with the roots of the peers is written before the identity', async (t) => {
  const names = { ...SEED_NAMES, upstreamCaSecret: 'roots' };
  const { cluster, write } = await publishing(t, names);

  await write();

  const [roots = 0, identity = 0] = ['roots', names.secret].map((name) =>
    Number(cluster.get('Secret', names.secretNamespace, name)?.metadata.resourceVersion),
  );
  assert.ok(roots > 0 && roots < identity, `${roots} is before ${identity}`);
});

test('the copy of a private key that kubectl apply left in an annotation is removed', async (t) => {
  const { cluster, write } = await publishing(t, SEED_NAMES);
  const { data, type } = secretManifests(SEED_NAMES, content).secret;
  const { secret: name, secretNamespace: namespace } = SEED_NAMES;
  const annotations = { [LAST_APPLIED]: JSON.stringify({ data }) };
  cluster.put({ kind: 'Secret', type, metadata: { name, namespace, annotations }, data });

  await write();

  assert.equal(LAST_APPLIED in (cluster.get('Secret', namespace, name)?.metadata.annotations ?? {}), false);
});

test('the Secret of the roots keeps its roots until Consul has confirmed new ones', () => {
  const names = { ...SEED_NAMES, upstreamCaSecret: 'roots' };

  const { upstreamCa } = secretManifests(names, { ...content, upstreamCaCrt: 'x' });

  assert.deepEqual(upstreamCa?.data, { 'tls.crt': 'eA==' });
});
