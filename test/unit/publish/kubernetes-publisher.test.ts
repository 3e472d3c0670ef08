import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../src/lib/clock.ts';
import { LAST_APPLIED } from '../../../src/publish/annotations.ts';
import { KubernetesPublisher } from '../../../src/publish/kubernetes/publisher.ts';
import { type ObjectNames, secretManifests, TLS_SECRET_TYPE } from '../../../src/publish/manifests.ts';
import { kubernetesTarget } from '../../../src/publish/target.ts';
import { newLeaf, newRoot } from '../identity/support.ts';
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
  return {
    cluster,
    write: () => publisher.write({ content, cause }, signal),
    publishService: () => publisher.publishService(signal),
  };
}

test('the roots that the gateway verifies its peers with are written before the identity', async (t) => {
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

test('the Secret of another program is left as it is', async (t) => {
  const { cluster, write } = await publishing(t, SEED_NAMES);
  const leaf = await newLeaf(await newRoot(), { uris: [], dnsNames: ['www.example.com'] });
  const data = { 'tls.crt': Buffer.from(leaf.certPem).toString('base64'), 'tls.key': 'eA==' };
  cluster.put({ kind: 'Secret', type: TLS_SECRET_TYPE, metadata: { name: SEED_NAMES.secret }, data });

  await assert.rejects(write(), { code: 'SECRET_NOT_ADOPTABLE' });

  assert.equal(cluster.writes(), 0);
});

test('the Service of another program is left as it is', async (t) => {
  const { cluster, publishService } = await publishing(t, SEED_NAMES);
  const spec = { selector: { app: 'shop' }, ports: [{ port: 443 }] };
  cluster.put({ kind: 'Service', metadata: { name: SEED_NAMES.service }, spec });

  await assert.rejects(publishService(), { code: 'SERVICE_NOT_ADOPTABLE' });

  assert.equal(cluster.writes(), 0);
});

test('the Secret of the roots keeps those that it holds until Consul has confirmed its own', () => {
  const names = { ...SEED_NAMES, upstreamCaSecret: 'roots' };

  const { upstreamCa } = secretManifests(names, { ...content, upstreamCaCrt: 'x' });

  assert.deepEqual(upstreamCa?.data, { 'tls.crt': 'eA==' });
});
